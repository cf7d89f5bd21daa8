// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestACreateIsUnderTheServersControl(t *testing.T) {
	server := &dittofsv1alpha1.DittoServer{
		ObjectMeta: metav1.ObjectMeta{Finalizers: []string{"dittofs.dittofs.com/finalizer"}, Annotations: map[string]string{
			dittofsv1alpha1.AnnotationDeletionPropagation: "Orphan", "mine": "kept",
		}},
		Status: dittofsv1alpha1.DittoServerStatus{Phase: dittofsv1alpha1.PhaseRunning},
	}
	NewStrategy(runtime.NewScheme()).PrepareForCreate(t.Context(), server)
	if server.Generation != 1 || server.Status.Phase != "" {
		t.Errorf("generation %d, status %+v", server.Generation, server.Status)
	}
	if !slices.Equal(server.Finalizers, []string{dittofsv1alpha1.Finalizer}) {
		t.Errorf("finalizers %q", server.Finalizers)
	}
	if len(server.Annotations) != 1 || server.Annotations["mine"] != "kept" {
		t.Errorf("annotations %q", server.Annotations)
	}
}

// stored is one as it comes out of the store, where every default is set.
func stored() *dittofsv1alpha1.DittoServer {
	server := &dittofsv1alpha1.DittoServer{
		ObjectMeta: metav1.ObjectMeta{
			Name: "files", Generation: 3, Finalizers: []string{dittofsv1alpha1.Finalizer},
			Annotations: map[string]string{dittofsv1alpha1.AnnotationNamespaceUID: "uid-1"},
			Labels:      map[string]string{"team": "a"},
		},
		Spec:   dittofsv1alpha1.DittoServerSpec{Image: "dfs:v1", Replicas: ptr.To[int32](1)},
		Status: dittofsv1alpha1.DittoServerStatus{Phase: dittofsv1alpha1.PhaseRunning},
	}
	dittofsv1alpha1.SetObjectDefaults_DittoServer(server)
	return server
}

func TestAnUpdateOfTheMainResource(t *testing.T) {
	for name, c := range map[string]struct {
		change     func(old, server *dittofsv1alpha1.DittoServer)
		generation int64
		finalizers int
	}{
		"of a label leaves the generation":  {func(_, s *dittofsv1alpha1.DittoServer) { s.Labels = nil }, 3, 1},
		"of the spec counts the generation": {func(_, s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "dfs:v2" }, 4, 1},
		"cannot write the status":           {func(_, s *dittofsv1alpha1.DittoServer) { s.Status.Phase = "Stopped" }, 3, 1},
		"cannot take our finalizer away":    {func(_, s *dittofsv1alpha1.DittoServer) { s.Finalizers = nil }, 3, 1},
		"cannot change the namespace's stamp": {func(_, s *dittofsv1alpha1.DittoServer) {
			s.Annotations = map[string]string{dittofsv1alpha1.AnnotationNamespaceUID: "uid-2"}
		}, 3, 1},
		"cannot take the stamp away": {func(_, s *dittofsv1alpha1.DittoServer) { s.Annotations = nil }, 3, 1},
		"cannot claim that a delete was orphaning": {func(_, s *dittofsv1alpha1.DittoServer) {
			s.Annotations[dittofsv1alpha1.AnnotationDeletionPropagation] = "Orphan"
		}, 3, 1},
		"may take our finalizer from a deleted object": {func(old, s *dittofsv1alpha1.DittoServer) {
			old.DeletionTimestamp, s.DeletionTimestamp, s.Finalizers = ptr.To(metav1.Now()), ptr.To(metav1.Now()), nil
		}, 3, 0},
	} {
		t.Run(name, func(t *testing.T) {
			old, server := stored(), stored()
			c.change(old, server)
			NewStrategy(runtime.NewScheme()).PrepareForUpdate(t.Context(), server, old)
			if server.Generation != c.generation {
				t.Errorf("generation %d, want %d", server.Generation, c.generation)
			}
			if len(server.Finalizers) != c.finalizers {
				t.Errorf("finalizers %q", server.Finalizers)
			}
			if server.Status.Phase != dittofsv1alpha1.PhaseRunning {
				t.Errorf("status %+v", server.Status)
			}
			if len(server.Annotations) != 1 || server.Annotations[dittofsv1alpha1.AnnotationNamespaceUID] != "uid-1" {
				t.Errorf("annotations %q", server.Annotations)
			}
		})
	}
}

func TestTheStatusSubresourceWritesTheStatusOnly(t *testing.T) {
	old, server := stored(), stored()
	server.Spec.Image, server.Labels, server.Finalizers = "dfs:v2", nil, nil
	server.Status.Phase = dittofsv1alpha1.PhaseStopped
	(&statusStrategy{NewStrategy(runtime.NewScheme())}).PrepareForUpdate(t.Context(), server, old)
	if server.Spec.Image != "dfs:v1" || len(server.Labels) != 1 || len(server.Finalizers) != 1 {
		t.Errorf("changed besides the status: %+v", server)
	}
	if server.Status.Phase != dittofsv1alpha1.PhaseStopped || server.Generation != 3 {
		t.Errorf("status %+v, generation %d", server.Status, server.Generation)
	}
}

func TestTheFinalizeSubresourceWritesFinalizersOnly(t *testing.T) {
	old, server := stored(), stored()
	server.ResourceVersion, old.ResourceVersion = "7", "8"
	server.Spec.Image, server.Labels, server.Status.Phase = "dfs:v2", nil, "Stopped"
	server.Finalizers = []string{"other/one"}
	(&finalizeStrategy{NewStrategy(runtime.NewScheme())}).PrepareForUpdate(t.Context(), server, old)
	if server.Spec.Image != "dfs:v1" || len(server.Labels) != 1 || server.Status.Phase != dittofsv1alpha1.PhaseRunning {
		t.Errorf("changed besides the finalizers: %+v", server)
	}
	if !slices.Equal(server.Finalizers, []string{"other/one"}) {
		t.Errorf("finalizers %q", server.Finalizers)
	}
	if server.ResourceVersion != "7" {
		t.Error("the caller's resourceVersion must reach the store, which compares it")
	}
}

func TestADeleteRecordsHowDependentsAreTreated(t *testing.T) {
	for name, c := range map[string]struct {
		options   *metav1.DeleteOptions
		finalizer string
		deleted   bool
		want      string
	}{
		"an orphan finalizer on the object orphans": {options: &metav1.DeleteOptions{}, finalizer: metav1.FinalizerOrphanDependents, want: "Orphan"},
		"what the request asks goes before the finalizer": {
			options: &metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationBackground)}, finalizer: metav1.FinalizerOrphanDependents, want: "Background",
		},
		"nothing said means background":      {options: &metav1.DeleteOptions{}, want: "Background"},
		"no options at all mean the same":    {want: "Background"},
		"orphan":                             {options: &metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationOrphan)}, want: "Orphan"},
		"foreground":                         {options: &metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationForeground)}, want: "Foreground"},
		"orphan in the words of old clients": {options: &metav1.DeleteOptions{OrphanDependents: ptr.To(true)}, want: "Orphan"}, //nolint:staticcheck // old clients still send it
		"a second delete changes nothing": {
			options: &metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationOrphan)}, deleted: true, want: "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := stored()
			if c.finalizer != "" {
				server.Finalizers = append(server.Finalizers, c.finalizer)
			}
			if c.deleted {
				server.DeletionTimestamp = ptr.To(metav1.Now())
			}
			if NewStrategy(runtime.NewScheme()).CheckGracefulDelete(t.Context(), server, c.options) {
				t.Error("deletion must not be graceful")
			}
			if got := server.Annotations[dittofsv1alpha1.AnnotationDeletionPropagation]; got != c.want {
				t.Errorf("recorded %q, want %q", got, c.want)
			}
		})
	}
}
