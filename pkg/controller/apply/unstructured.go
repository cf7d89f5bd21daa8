// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"bytes"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Unstructured is a kind that comes with a CustomResourceDefinition and has no Go type here.
func Unstructured(gvk schema.GroupVersionKind) Kind {
	return Kind{
		GVK: gvk,
		New: func() client.Object {
			u := &unstructured.Unstructured{}
			u.SetGroupVersionKind(gvk)
			return u
		},
		Extract: func(obj client.Object) (any, error) {
			u, ok := obj.(*unstructured.Unstructured)
			if !ok {
				return nil, fmt.Errorf("%T is no %s", obj, gvk.Kind)
			}
			return extractUnstructured(u)
		},
	}
}

// extractUnstructured returns what our field manager owns. The library needs the schema of the kind for that, which is in
// the OpenAPI document of the whole cluster. Without it a list counts as one value: right for lists that are atomic, as
// those are that we set.
func extractUnstructured(live *unstructured.Unstructured) (map[string]any, error) {
	out := map[string]any{"apiVersion": live.GetAPIVersion(), "kind": live.GetKind()}
	metadata := map[string]any{"name": live.GetName()}
	if namespace := live.GetNamespace(); namespace != "" {
		metadata["namespace"] = namespace
	}
	out["metadata"] = metadata
	for _, entry := range live.GetManagedFields() {
		if entry.Manager != dittofsv1alpha1.FieldManager || entry.Operation != metav1.ManagedFieldsOperationApply ||
			entry.Subresource != "" || entry.FieldsV1 == nil {
			continue
		}
		set := &fieldpath.Set{}
		if err := set.FromJSON(bytes.NewReader(entry.FieldsV1.GetRawBytes())); err != nil {
			return nil, fmt.Errorf("decode the managed fields: %w", err)
		}
		for path := range set.Leaves().All() {
			if err := copyField(out, live.Object, path); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// copyField copies the value at a path, as far as the path names fields.
func copyField(to, from map[string]any, path fieldpath.Path) error {
	var fields []string
	for _, element := range path {
		if element.FieldName == nil {
			break
		}
		fields = append(fields, *element.FieldName)
	}
	value, found, err := unstructured.NestedFieldNoCopy(from, fields...)
	if err != nil || !found {
		return err
	}
	return unstructured.SetNestedField(to, runtime.DeepCopyJSONValue(value), fields...)
}
