// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// takeRights deletes the binding of the controllers until the returned function is called, or the test ends.
func takeRights(t *testing.T) (giveBack func()) {
	t.Helper()
	const name = "dittofs-controllers"
	bindings := cluster.Admin.Kube.RbacV1().ClusterRoleBindings()
	binding, err := bindings.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := bindings.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	giveBack = func() {
		t.Helper()
		again := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: binding.Labels}, RoleRef: binding.RoleRef, Subjects: binding.Subjects}
		if _, err := bindings.Create(cleanupContext(t), again, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
	t.Cleanup(giveBack)
	return giveBack
}

func TestControllersRecoverWhenTheirRightsAreTakenAndGivenBack(t *testing.T) {
	s := newSubject(t)
	before := s.parts(t)
	giveBack := takeRights(t)
	s.patch(t, `{"spec":{"service":{"annotations":{"example.com/a":"b"}}}}`)
	message := s.awaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "ApplyRefused")
	if !strings.Contains(message, "files-api") || !strings.Contains(message, "cannot ") {
		t.Errorf("the message does not say what is refused: %s", message)
	}
	before.expectUntouched(t, s)
	giveBack()
	s.awaitReady(t)
	if s.service(t).Annotations["example.com/a"] != "b" {
		t.Error("the Service did not get the annotation")
	}
}

// server.md 3: the API is ready without its controllers, since a red readyz would hold up every namespace deletion.
func TestTheAPIServesWithoutTheRightsOfItsControllersAndTheyBeginOnceTheyHaveThem(t *testing.T) {
	s := newSubject(t)
	before := s.parts(t)
	giveBack := takeRights(t)
	said := len(serverLog(t))
	cluster.RestartKilled(t)
	if _, err := s.find(t.Context()); err != nil {
		t.Error(err)
	}
	late := subject{s.namespace, "late"}
	cluster.CreateDittoServer(t, late.namespace, late.name)
	harness.Eventually(t, "the log says what the controllers may not do", func(context.Context) error {
		return equal(strings.Contains(serverLog(t)[said:], "cannot list resource"), true)
	})
	empty := cluster.Namespace(t)
	deleteNamespace(t, empty)
	awaitNoNamespace(t, empty)
	giveBack()
	// Watches that were refused are tried again with growing pauses.
	late.awaitReadyWithin(t, patience)
	before.expectUntouched(t, s)
}
