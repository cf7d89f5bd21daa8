// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"slices"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func TestStatusUpdateChangesTheStatusOnly(t *testing.T) {
	namespace := cluster.Namespace(t)
	server := cluster.CreateDittoServer(t, namespace, "files", func(s *dittofsv1alpha1.DittoServer) {
		s.Labels = map[string]string{"keep": "me"}
	})
	before := server.DeepCopy()
	server.Spec.Image = "example/dfs:v9"
	server.Labels = map[string]string{"other": "label"}
	server.Annotations = map[string]string{"other": "annotation"}
	server.Finalizers = nil
	server.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "x", UID: "y"}}
	server.Status.Phase = dittofsv1alpha1.PhaseRunning
	server.Status.ObservedGeneration = 1
	updated, err := cluster.Admin.DittoServers(namespace).UpdateStatus(t.Context(), server, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if updated.Status.Phase != dittofsv1alpha1.PhaseRunning || updated.Status.ObservedGeneration != 1 {
		t.Errorf("status: %+v", updated.Status)
	}
	if updated.Spec.Image != before.Spec.Image || updated.Generation != 1 || updated.Labels["keep"] != "me" || len(updated.Labels) != 1 ||
		updated.Annotations["other"] != "" || len(updated.OwnerReferences) != 0 || !slices.Equal(updated.Finalizers, before.Finalizers) {
		t.Errorf("more than the status has changed: %+v, image %s", updated.ObjectMeta, updated.Spec.Image)
	}
	if updated.Annotations[dittofsv1alpha1.AnnotationNamespaceUID] != before.Annotations[dittofsv1alpha1.AnnotationNamespaceUID] {
		t.Error("the stamp of the namespace is gone")
	}
}

func TestUpdateOfTheObjectKeepsItsStatus(t *testing.T) {
	namespace := cluster.Namespace(t)
	cluster.CreateDittoServer(t, namespace, "files")
	server := setStatus(t, namespace, "files", func(status *dittofsv1alpha1.DittoServerStatus) { status.ConfigHash = "abc" })
	server.Status = dittofsv1alpha1.DittoServerStatus{ConfigHash: "forged"}
	server.Labels = map[string]string{"a": "b"}
	updated, err := cluster.Admin.DittoServers(namespace).Update(t.Context(), server, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if updated.Status.ConfigHash != "abc" || updated.Labels["a"] != "b" {
		t.Errorf("status %+v, labels %v", updated.Status, updated.Labels)
	}
}

func TestStatusMustBeValid(t *testing.T) {
	namespace := cluster.Namespace(t)
	server := cluster.CreateDittoServer(t, namespace, "files")
	cases := []struct {
		name   string
		change func(*dittofsv1alpha1.DittoServerStatus)
		wants  []string
	}{
		{"a phase that is none", func(s *dittofsv1alpha1.DittoServerStatus) { s.Phase = "Dancing" },
			[]string{"status.phase", `"Dancing"`, "Running"}},
		{"a negative number of replicas", func(s *dittofsv1alpha1.DittoServerStatus) { s.Replicas = -1 },
			[]string{"status.replicas", "-1", "greater than or equal to 0"}},
		{"a condition twice", func(s *dittofsv1alpha1.DittoServerStatus) {
			s.Conditions = []metav1.Condition{condition("Ready", "True", "A"), condition("Ready", "False", "B")}
		}, []string{"status.conditions[1]", "Duplicate value"}},
		{"a condition without a reason", func(s *dittofsv1alpha1.DittoServerStatus) {
			s.Conditions = []metav1.Condition{condition("Ready", "True", "")}
		}, []string{"status.conditions[0].reason", "Required value"}},
		{"a condition that is neither true nor false", func(s *dittofsv1alpha1.DittoServerStatus) {
			s.Conditions = []metav1.Condition{condition("Ready", "Perhaps", "A")}
		}, []string{"status.conditions[0].status", `"Perhaps"`, "Unknown"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			changed := server.DeepCopy()
			c.change(&changed.Status)
			_, err := cluster.Admin.DittoServers(namespace).UpdateStatus(t.Context(), changed, metav1.UpdateOptions{})
			expectRefusal(t, err, 422, c.wants...)
			expectVersion(t, namespace, "files", server.ResourceVersion)
		})
	}
}

func TestPartsOfAnObjectDoNotCreateIt(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	apply := []byte(`{"apiVersion":"dittofs.io/v1alpha1","kind":"DittoServer"}`)
	for _, part := range []string{"status", "finalize"} {
		_, err := client.Patch(t.Context(), "nobody", types.ApplyPatchType, apply,
			metav1.PatchOptions{FieldManager: "test", Force: ptr.To(true)}, part)
		if !apierrors.IsNotFound(err) {
			t.Errorf("apply of %s of an object that is not there: %v, want 404", part, err)
		}
	}
	if _, err := client.UpdateStatus(t.Context(), harness.NewDittoServer("nobody"), metav1.UpdateOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("status of an object that is not there: %v, want 404", err)
	}
}

func TestFinalizeWritesFinalizersOnly(t *testing.T) {
	namespace := cluster.Namespace(t)
	before := cluster.CreateDittoServer(t, namespace, "files")
	patch := `{"metadata":{"finalizers":["example.com/other"],"labels":{"a":"b"},"annotations":{"c":"d"}},"spec":{"image":"example/dfs:v9"},"status":{"phase":"Running"}}`
	after, err := cluster.Admin.DittoServers(namespace).Patch(t.Context(), "files", types.MergePatchType, []byte(patch), metav1.PatchOptions{}, "finalize")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(after.Finalizers, []string{"example.com/other"}) {
		t.Errorf("finalizers: %v", after.Finalizers)
	}
	if after.Labels["a"] != "" || after.Annotations["c"] != "" || after.Spec.Image != before.Spec.Image || after.Status.Phase != "" || after.Generation != 1 {
		t.Errorf("more than the finalizers has changed: %+v", after)
	}
	stale := before.DeepCopy()
	stale.Finalizers = nil
	_, err = cluster.Admin.Dynamic.Resource(dittoservers).Namespace(namespace).Update(t.Context(), untyped(t, stale), metav1.UpdateOptions{}, "finalize")
	if !apierrors.IsConflict(err) {
		t.Errorf("finalize of an old version: %v, want 409", err)
	}
}
