// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package basic_test installs our server without any opt-in component, and then takes rights away from it. In: the
// shipped manifests. Out: proof that what is missing is said where a user sees it, and takes nothing else down.
package basic_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) {
	harness.Run(m, harness.Options{
		WithoutControllers: true, WithoutCredentials: true,
		ServerArgs: []string{harness.WithoutControllers()},
	}, &cluster)
}

func named(server *dittofsv1alpha1.DittoServer) {
	server.Spec.Identity.JWT.SecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "jwt", Key: "secret"}
	server.Spec.Identity.Admin.PasswordSecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "admin", Key: "password"}
}

func TestCredentialsMustBeNamedWhereTheyAreNotGenerated(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	_, err := client.Create(t.Context(), harness.NewDittoServer("files"), metav1.CreateOptions{})
	if !apierrors.IsInvalid(err) {
		t.Fatalf("without any reference: %v, want 422", err)
	}
	for _, want := range []string{"spec.identity.jwt.secretRef", "spec.identity.admin.passwordSecretRef", "Required value", "generate-credentials", namespace} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the message lacks %q: %v", want, err)
		}
	}

	server := cluster.CreateDittoServer(t, namespace, "files", named)
	half := server.DeepCopy()
	half.Spec.Identity.JWT.SecretRef = nil
	_, err = client.Update(t.Context(), half, metav1.UpdateOptions{})
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "spec.identity.jwt.secretRef") || strings.Contains(err.Error(), "passwordSecretRef") {
		t.Errorf("a reference that is taken away: %v", err)
	}
	if stored, err := client.Get(t.Context(), "files", metav1.GetOptions{}); err != nil || stored.ResourceVersion != server.ResourceVersion {
		t.Errorf("the stored server has changed: %v", err)
	}
}

func TestTheRightToGenerateCanBeGivenInOneNamespace(t *testing.T) {
	namespace := cluster.Namespace(t)
	cluster.Allow(t, &harness.User{Name: harness.ServerUser}, namespace, harness.Rule("", "secrets", "create"))
	harness.Eventually(t, "a server without references is accepted there", func(ctx context.Context) error {
		_, err := cluster.Admin.DittoServers(namespace).Create(ctx, harness.NewDittoServer("files"), metav1.CreateOptions{})
		return err
	})
}

// A library that is newer than the installed role wants to watch kinds that the role does not name. Then writes are
// refused, since a policy might forbid them, but a server that is not ready would take all deletions of namespaces
// in the cluster down with it.
func TestAMissingRightOfAdmissionStopsWritesOnly(t *testing.T) {
	namespace := cluster.Namespace(t)
	cluster.CreateDittoServer(t, namespace, "files", named)
	roles := cluster.Admin.Kube.RbacV1().ClusterRoles()
	role, err := roles.Get(t.Context(), "dittofs-apiserver", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	complete := slices.Clone(role.Rules)
	mutating := []string{"mutatingadmissionpolicies", "mutatingadmissionpolicybindings"}
	role.Rules = nil
	for _, rule := range complete {
		rule = *rule.DeepCopy()
		rule.Resources = slices.DeleteFunc(rule.Resources, func(name string) bool { return slices.Contains(mutating, name) })
		role.Rules = append(role.Rules, rule)
	}
	if _, err := roles.Update(t.Context(), role, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { restore(t, complete) })
	harness.Eventually(t, "the right is gone", func(ctx context.Context) error { return mayWatchPolicies(ctx, false) })
	if err := cluster.Server.Stop(); err != nil {
		t.Fatal(err)
	}
	// Start waits for a green readyz, for an available APIService and for a list.
	if err := cluster.Server.Start(t.Context()); err != nil {
		t.Fatalf("without the right the server does not even serve reads: %v", err)
	}

	client := cluster.Admin.DittoServers(namespace)
	patch := metav1.PatchOptions{}
	_, err = client.Patch(t.Context(), "files", "application/merge-patch+json", []byte(`{"metadata":{"labels":{"a":"b"}}}`), patch)
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "not yet ready to handle request") {
		t.Errorf("a write: %v, want it refused", err)
	}
	if _, err := client.Get(t.Context(), "files", metav1.GetOptions{}); err != nil {
		t.Errorf("a read: %v", err)
	}
	if code := status(t, cluster.Server.DirectConfig(), "/readyz"); code != http.StatusOK {
		t.Errorf("after a refused write readyz is %d", code)
	}

	restore(t, complete)
	harness.Eventually(t, "writes come back without a restart", func(ctx context.Context) error {
		_, err := client.Patch(ctx, "files", "application/merge-patch+json", []byte(`{"metadata":{"labels":{"a":"b"}}}`), patch)
		return err
	})
}

func restore(t *testing.T, rules []rbacv1.PolicyRule) {
	roles := cluster.Admin.Kube.RbacV1().ClusterRoles()
	// Not the context of the test, which is over when this cleans up.
	ctx := context.Background()
	role, err := roles.Get(ctx, "dittofs-apiserver", metav1.GetOptions{})
	if err == nil {
		role.Rules = rules
		_, err = roles.Update(ctx, role, metav1.UpdateOptions{})
	}
	if err != nil {
		t.Error(err)
	}
}

func mayWatchPolicies(ctx context.Context, want bool) error {
	review, err := cluster.Admin.Kube.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User: harness.ServerUser,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Group: "admissionregistration.k8s.io", Resource: "mutatingadmissionpolicies", Verb: "watch",
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if review.Status.Allowed != want {
		return errors.New("allowed is " + fmt.Sprint(review.Status.Allowed))
	}
	return nil
}

func status(t *testing.T, config *rest.Config, path string) int {
	t.Helper()
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, config.Host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}
