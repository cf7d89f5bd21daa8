// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	apistorage "k8s.io/apiserver/pkg/storage"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestFieldsThatCanBeSelectedOn(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := AddFieldSelectors(scheme); err != nil {
		t.Fatal(err)
	}
	kind := dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer")
	for _, known := range []string{"metadata.name", "metadata.namespace", "status.phase", "spec.image", "spec.className", "spec.storage.storageClassName"} {
		if label, value, err := scheme.ConvertFieldLabel(kind, known, "x"); err != nil || label != known || value != "x" {
			t.Errorf("%s becomes %s=%s: %v", known, label, value, err)
		}
	}
	_, _, err := scheme.ConvertFieldLabel(kind, "spec.replicas", "1")
	if err == nil {
		t.Fatal("spec.replicas can be selected on")
	}
	for _, want := range []string{`"spec.replicas"`, "metadata.name", "status.phase", "spec.image", "spec.storage.storageClassName"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the refusal lacks %s: %v", want, err)
		}
	}
}

func TestServersAreIndexedByWhatSelectorsCompare(t *testing.T) {
	running, fresh, deleted := stored(), stored(), stored()
	running.Spec.Storage.StorageClassName = ptr.To("fast")
	fresh.Status.Phase = ""
	deleted.DeletionTimestamp = ptr.To(metav1.Now())
	for name, c := range map[string]struct {
		server *dittofsv1alpha1.DittoServer
		want   map[string]string
	}{
		"one that runs":         {running, map[string]string{"status.phase": "Running", "spec.image": "dfs:v1", "spec.storage.storageClassName": "fast"}},
		"one nobody has seen":   {fresh, map[string]string{"status.phase": "Pending", "spec.image": "dfs:v1", "spec.storage.storageClassName": ""}},
		"one that goes":         {deleted, map[string]string{"status.phase": "Deleting"}},
		"its name is no index":  {running, map[string]string{"metadata.name": "files"}},
		"its space is no index": {running, map[string]string{"metadata.namespace": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			_, set, err := attributes(c.server)
			if err != nil {
				t.Fatal(err)
			}
			for path, want := range c.want {
				if got, ok := set[path]; !ok || got != want {
					t.Errorf("%s is compared with %q, want %q", path, got, want)
				}
				index, ok := (*indexers())[apistorage.FieldIndex(path)]
				if strings.HasPrefix(path, "metadata.") {
					if ok {
						t.Errorf("%s is indexed", path)
					}
					continue
				}
				if got, err := index(c.server); err != nil || !slices.Equal(got, []string{want}) {
					t.Errorf("%s is indexed as %q (%v), want %q", path, got, err, want)
				}
			}
			if got := triggers()[fieldPhase](c.server); got != set[fieldPhase] {
				t.Errorf("watchers of the phase %q are woken by %q", set[fieldPhase], got)
			}
		})
	}
}

func TestASelectorUsesTheIndex(t *testing.T) {
	predicate := match(labels.Everything(), fields.ParseSelectorOrDie("spec.image=dfs:v1,metadata.name=files"))
	got := predicate.MatcherIndex(t.Context())
	if len(got) != 1 || got[0].IndexName != "f:spec.image" || got[0].Value != "dfs:v1" {
		t.Errorf("the index is %+v", got)
	}
}
