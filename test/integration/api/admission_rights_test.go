// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// The pod may get credentials by its ServiceAccount that its user has not.
func TestAnotherServiceAccountTakesTheRightToCreatePods(t *testing.T) {
	namespace := cluster.Namespace(t)
	tenant := cluster.User(t, "account-tenant")
	cluster.Allow(t, tenant, namespace, harness.Rule("dittofs.io", "dittoservers", "create"))
	account := func(s *dittofsv1alpha1.DittoServerSpec) { s.ServiceAccountName = "builder" }
	for _, options := range []metav1.CreateOptions{{}, dryRun} {
		expectRefusal(t, create(t.Context(), tenant, namespace, "files", options, account), 403,
			`user "account-tenant"`, "the verb create on pods", "spec.serviceAccountName", `"builder"`)
	}
	runner := cluster.User(t, "account-runner")
	cluster.Allow(t, runner, namespace, harness.Rule("dittofs.io", "dittoservers", "create"), harness.Rule("", "pods", "create"))
	harness.Eventually(t, "with the right the server is created", func(ctx context.Context) error {
		return create(ctx, runner, namespace, "files", metav1.CreateOptions{}, account)
	})
}

// Who creates a server over what an earlier one has left gets at its data.
func TestRecreatingAServerOverWhatIsThereTakesRights(t *testing.T) {
	namespace := cluster.Namespace(t)
	heir, stranger := cluster.User(t, "heir"), cluster.User(t, "no-heir")
	cluster.Allow(t, heir, namespace, harness.Rule("dittofs.io", "dittoservers", "create"), harness.Rule("", "secrets", "get"), harness.Rule("apps", "statefulsets", "update"))
	cluster.Allow(t, stranger, namespace, harness.Rule("dittofs.io", "dittoservers", "create"))
	nothing := func(*dittofsv1alpha1.DittoServerSpec) {}
	harness.Eventually(t, "a server over nothing is created", func(ctx context.Context) error {
		return create(ctx, stranger, namespace, "fresh", metav1.CreateOptions{}, nothing)
	})

	leaveStatefulSet(t, namespace, "kept")
	leaveSecret(t, namespace, "kept-jwt-secret")
	leaveClaim(t, namespace, "controlplane-emptied-0")
	for _, c := range []struct {
		name  string
		wants []string
	}{
		// Everything that is missing is said at once.
		{"kept", []string{`the verb get on Secret "kept-jwt-secret" (spec.identity.jwt.secretRef is left out)`, `the verb update on StatefulSet "kept" (it is there already)`}},
		// The users of a database are those of whoever signs the tokens.
		{"emptied", []string{`the verb update on StatefulSet "emptied" (PersistentVolumeClaim "controlplane-emptied-0" of an earlier one is there already)`}},
	} {
		for _, options := range []metav1.CreateOptions{dryRun, {}} {
			expectRefusal(t, create(t.Context(), stranger, namespace, c.name, options, nothing), 403, append(c.wants, `user "no-heir"`)...)
		}
		if err := create(t.Context(), heir, namespace, c.name, metav1.CreateOptions{}, nothing); err != nil {
			t.Errorf("with the rights: %v", err)
		}
	}
}

func TestAllowingAdoptionLaterTakesTheSameRights(t *testing.T) {
	namespace := cluster.Namespace(t)
	tenant := tenantOf(t, namespace)
	cluster.CreateDittoServer(t, namespace, "files")
	leaveStatefulSet(t, namespace, "files")
	adopt := []string{"annotate", "--overwrite", "dittoserver", "files", "dittofs.io/adopt=true"}
	for _, args := range [][]string{append(adopt, "--dry-run=server"), adopt} {
		message := tenant.Kubectl(namespace).Fail(t, args...)
		for _, want := range []string{`the verb get on Secret "files-jwt-secret"`, `the verb update on StatefulSet "files"`} {
			if !strings.Contains(message, want) {
				t.Errorf("the message lacks %q: %s", want, message)
			}
		}
	}
	cluster.Admin.Kubectl(namespace).Run(t, adopt...)
	// It has been decided by somebody who may.
	tenant.Kubectl(namespace).Run(t, "label", "dittoserver", "files", "a=b")
}

func leaveStatefulSet(t *testing.T, namespace, name string) {
	t.Helper()
	labels := map[string]string{"app": "x"}
	if _, err := cluster.Admin.Kube.AppsV1().StatefulSets(namespace).Create(t.Context(), &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.StatefulSetSpec{Replicas: ptr.To[int32](0), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}},
		}},
	}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func leaveSecret(t *testing.T, namespace, name string) {
	t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: map[string]string{"k": strings.Repeat("s", 32)}}
	if _, err := cluster.Admin.Kube.CoreV1().Secrets(namespace).Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func leaveClaim(t *testing.T, namespace, name string) {
	t.Helper()
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: quantity("1Gi")}},
	}}
	if _, err := cluster.Admin.Kube.CoreV1().PersistentVolumeClaims(namespace).Create(t.Context(), claim, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
