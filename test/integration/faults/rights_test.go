// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/controlplane/faultproxy"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// The answer of a cluster that no longer lets us read Secrets, in one namespace: the other tests go on. That our bindings
// themselves go and come is tested below, and with the controllers' in test/integration/lifecycle.
func TestAServerStaysAsItIsWhileItsSecretMayNotBeRead(t *testing.T) {
	t.Parallel()
	s := subjectOf(cluster.Namespace(t), "files")
	secret := func(value string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "mine"}, StringData: map[string]string{"token": strings.Repeat(value, 40)}}
	}
	secrets := cluster.Admin.Kube.CoreV1().Secrets(s.Namespace)
	if _, err := secrets.Create(t.Context(), secret("a"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	s.create(t, func(server *dittofsv1alpha1.DittoServer) {
		server.Spec.Identity.JWT.SecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "mine", Key: "token"}
	})
	s.AwaitReady(t)
	before, hash := s.Parts(t), s.hash(t)
	taken := trouble(t, faultproxy.Fault{Match: all(in(s.Namespace), of("secrets", "get")), Status: http.StatusForbidden})
	if _, err := secrets.Update(t.Context(), secret("b"), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	message := s.AwaitCondition(t, dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, "SecretUnreadable")
	if !strings.Contains(message, "mine") || !strings.Contains(message, "Allow the controllers to get Secrets") {
		t.Errorf("the message says neither which Secret nor what to do: %s", message)
	}
	if now := s.hash(t); now != hash {
		t.Errorf("the config hash was %s and is %s", hash, now)
	}
	before.ExpectKept(t, s.Subject, "pods/", "statefulsets/", "configmaps/", "services/", "persistentvolumeclaims/")
	taken.Remove()
	within(t, recovery, "the server runs with the new secret", func() {
		s.AwaitReady(t)
		s.AwaitCondition(t, dittofsv1alpha1.ConditionAuthenticated, metav1.ConditionTrue, "TokenAccepted")
	})
	if now := s.hash(t); now == hash {
		t.Error("the rotation was lost")
	}
	s.expectRevisions(t, 2)
}

// Without its rights the API cannot ask whether a tenant may do something. It says so, does nothing else, and goes on.
func TestOurAPIRecoversWhenItsOwnRightsAreTakenAndGivenBack(t *testing.T) {
	s := newSubject(t)
	before, process := s.Parts(t), cluster.ProcessOf(t, "dittofs-apiserver")
	tenant := cluster.User(t, "tenant-"+s.Namespace)
	cluster.Allow(t, tenant, s.Namespace, harness.Rule("dittofs.io", "dittoservers", "get", "patch"))
	read := func(ctx context.Context) error {
		_, err := tenant.DittoServers(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
		return err
	}
	harness.Eventually(t, "the tenant may read", read)
	bindings := cluster.Admin.Kube.RbacV1().ClusterRoleBindings()
	const name = "dittofs-apiserver"
	binding, err := bindings.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	giveBack := func() {
		again := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: binding.Labels}, RoleRef: binding.RoleRef, Subjects: binding.Subjects}
		if _, err := bindings.Create(harness.CleanupContext(t), again, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			t.Error(err)
		}
	}
	t.Cleanup(giveBack)
	if err := bindings.Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the tenant is refused once no answer is remembered", func(ctx context.Context) error {
		if err := read(ctx); err == nil {
			return fmt.Errorf("the tenant may read")
		} else {
			t.Logf("the tenant is told: %v", err)
		}
		return nil
	})
	// Members of system:masters are not asked about; the aggregator is one.
	if _, err := cluster.Admin.DittoServers(s.Namespace).Get(t.Context(), s.Name, metav1.GetOptions{}); err != nil {
		t.Errorf("an admin cannot read: %v", err)
	}
	expectAvailable(t)
	before.ExpectUntouched(t, s.Subject)
	giveBack()
	harness.Eventually(t, "the tenant may read again", read)
	s.annotate(t, "again")
	s.AwaitReady(t)
	before.ExpectKept(t, s.Subject, "statefulsets/", "pods/", "secrets/", "services/")
	if now := cluster.ProcessOf(t, "dittofs-apiserver"); now != process {
		t.Errorf("our server is process %d, was %d", now, process)
	}
}
