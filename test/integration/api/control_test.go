// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestUsersCannotDecideWhatTheServerRecordsAtCreate(t *testing.T) {
	namespace := cluster.Namespace(t)
	server := cluster.CreateDittoServer(t, namespace, "files", func(s *dittofsv1alpha1.DittoServer) {
		s.Status.Phase, s.Status.ConfigHash = dittofsv1alpha1.PhaseRunning, "forged"
		s.Generation, s.UID, s.Finalizers = 42, "11111111-2222-3333-4444-555555555555", []string{"example.com/mine"}
		s.Annotations = map[string]string{
			dittofsv1alpha1.AnnotationDeletionPropagation: "Orphan",
			dittofsv1alpha1.AnnotationNamespaceUID:        "forged",
			"example.com/mine":                            "kept",
		}
	})
	if server.Status.Phase != "" || server.Status.ConfigHash != "" {
		t.Errorf("status was set by a create: %+v", server.Status)
	}
	if server.Generation != 1 || server.UID == "11111111-2222-3333-4444-555555555555" {
		t.Errorf("generation %d, UID %s", server.Generation, server.UID)
	}
	if !slices.Contains(server.Finalizers, dittofsv1alpha1.Finalizer) || !slices.Contains(server.Finalizers, "example.com/mine") {
		t.Errorf("finalizers %v", server.Finalizers)
	}
	if value, ok := server.Annotations[dittofsv1alpha1.AnnotationDeletionPropagation]; ok {
		t.Errorf("a user set the record of a deletion: %s", value)
	}
	owner, err := cluster.Admin.Kube.CoreV1().Namespaces().Get(t.Context(), namespace, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := server.Annotations[dittofsv1alpha1.AnnotationNamespaceUID]; got != string(owner.UID) || server.Annotations["example.com/mine"] != "kept" {
		t.Errorf("annotations %v, want the UID of the namespace, %s", server.Annotations, owner.UID)
	}
}

func TestUsersCannotChangeWhatTheServerRecords(t *testing.T) {
	namespace := cluster.Namespace(t)
	original := cluster.CreateDittoServer(t, namespace, "files")
	forged := `{"metadata":{"annotations":{"dittofs.io/deletion-propagation":"Orphan","dittofs.io/namespace-uid":"forged"},"finalizers":null},"status":{"phase":"Running"}}`
	cases := []struct {
		name string
		kind types.PatchType
		body string
	}{
		{"by a merge patch", types.MergePatchType, forged},
		{"by a strategic merge patch", types.StrategicMergePatchType, forged},
		{"by a json patch", types.JSONPatchType, `[{"op":"remove","path":"/metadata/finalizers"},{"op":"remove","path":"/metadata/annotations"}]`},
		{"by an apply", types.ApplyPatchType, `{"apiVersion":"dittofs.io/v1alpha1","kind":"DittoServer","metadata":{"annotations":{"dittofs.io/deletion-propagation":"Orphan","dittofs.io/namespace-uid":"forged"}},"spec":{"storage":{"metadataSize":"1Gi"}}}`},
		{"by a removal of the stamp", types.MergePatchType, `{"metadata":{"annotations":null}}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			options := metav1.PatchOptions{FieldManager: "test"}
			if c.kind == types.ApplyPatchType {
				force := true
				options.Force = &force
			}
			server, err := cluster.Admin.DittoServers(namespace).Patch(t.Context(), "files", c.kind, []byte(c.body), options)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(server.Finalizers, original.Finalizers) {
				t.Errorf("finalizers %v", server.Finalizers)
			}
			if _, ok := server.Annotations[dittofsv1alpha1.AnnotationDeletionPropagation]; ok || server.Status.Phase != "" {
				t.Errorf("annotations %v, status %+v", server.Annotations, server.Status)
			}
			if server.Annotations[dittofsv1alpha1.AnnotationNamespaceUID] != original.Annotations[dittofsv1alpha1.AnnotationNamespaceUID] {
				t.Errorf("the stamp of the namespace was changed: %v", server.Annotations)
			}
		})
	}
}

func TestADeletionRecordsHowItWasAskedFor(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	orphan, background, foreground := metav1.DeletePropagationOrphan, metav1.DeletePropagationBackground, metav1.DeletePropagationForeground
	cases := []struct {
		name   string
		policy *metav1.DeletionPropagation
		want   string
	}{
		{"plain", nil, "Background"},
		{"background", &background, "Background"},
		{"foreground", &foreground, "Foreground"},
		{"orphan", &orphan, "Orphan"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cluster.CreateDittoServer(t, namespace, c.name)
			if err := client.Delete(t.Context(), c.name, metav1.DeleteOptions{PropagationPolicy: c.policy}); err != nil {
				t.Fatal(err)
			}
			server := current(t, namespace, c.name)
			if got := server.Annotations[dittofsv1alpha1.AnnotationDeletionPropagation]; got != c.want || server.DeletionTimestamp == nil {
				t.Errorf("recorded %q, want %s", got, c.want)
			}
			// A second delete with another wish changes nothing: teardown may have begun.
			if err := client.Delete(t.Context(), c.name, metav1.DeleteOptions{PropagationPolicy: &background}); err != nil {
				t.Fatal(err)
			}
			patch := []byte(`{"metadata":{"annotations":{"dittofs.io/deletion-propagation":"Background"}}}`)
			if _, err := client.Patch(t.Context(), c.name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
				t.Fatal(err)
			}
			if got := current(t, namespace, c.name).Annotations[dittofsv1alpha1.AnnotationDeletionPropagation]; got != c.want {
				t.Errorf("after attempts to change it: %q, want %s", got, c.want)
			}
		})
	}
	t.Run("of a collection", func(t *testing.T) {
		cluster.CreateDittoServer(t, namespace, "collected", func(s *dittofsv1alpha1.DittoServer) { s.Labels = map[string]string{"a": "b"} })
		err := client.DeleteCollection(t.Context(), metav1.DeleteOptions{PropagationPolicy: &orphan}, metav1.ListOptions{LabelSelector: "a=b"})
		if err != nil {
			t.Fatal(err)
		}
		if got := current(t, namespace, "collected").Annotations[dittofsv1alpha1.AnnotationDeletionPropagation]; got != "Orphan" {
			t.Errorf("recorded %q, want Orphan", got)
		}
	})
}

func TestADeletedObjectCanBeReleasedByHand(t *testing.T) {
	namespace := cluster.Namespace(t)
	cluster.CreateDittoServer(t, namespace, "files")
	kubectl := cluster.Admin.Kubectl(namespace)
	kubectl.Run(t, "delete", "dittoserver", "files", "--wait=false")
	kubectl.Run(t, "patch", "dittoserver", "files", "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
	kubectl.Fail(t, "get", "dittoserver", "files")
}
