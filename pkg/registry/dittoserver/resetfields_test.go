// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// What a resource drops from a request must not be owned by who sent it, and what it takes must be.
func TestEachResourceOwnsWhatItWritesOnly(t *testing.T) {
	main := NewStrategy(runtime.NewScheme())
	image := fieldpath.MakePathOrDie("spec", "image")
	phase := fieldpath.MakePathOrDie("status", "phase")
	label := fieldpath.MakePathOrDie("metadata", "labels", "team")
	annotation := fieldpath.MakePathOrDie("metadata", "annotations", "team")
	stamp := fieldpath.MakePathOrDie("metadata", "annotations", dittofsv1alpha1.AnnotationNamespaceUID)
	deletion := fieldpath.MakePathOrDie("metadata", "annotations", dittofsv1alpha1.AnnotationDeletionPropagation)
	finalizer := fieldpath.MakePathOrDie("metadata", "finalizers", value.NewValueInterface("example.com/one"))
	sent := fieldpath.NewSet(image, phase, label, annotation, stamp, deletion, finalizer)

	for name, c := range map[string]struct {
		strategy rest.ResetFieldsStrategy
		owned    *fieldpath.Set
	}{
		"the object":   {main, fieldpath.NewSet(image, label, annotation, finalizer)},
		"its status":   {&statusStrategy{main}, fieldpath.NewSet(phase)},
		"its finalize": {&finalizeStrategy{main}, fieldpath.NewSet(finalizer)},
	} {
		t.Run(name, func(t *testing.T) {
			reset := c.strategy.GetResetFields()["dittofs.io/v1alpha1"]
			if reset == nil {
				t.Fatal("nothing is reset")
			}
			if owned := sent.RecursiveDifference(reset); !owned.Equals(c.owned) {
				t.Errorf("owned is\n%s\nwant\n%s", owned, c.owned)
			}
		})
	}
}
