// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"bytes"
	"fmt"
	"iter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/structured-merge-diff/v6/value"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// UnstructuredKeyed is Unstructured for a kind with lists whose items are found by a key: others may have fields in our
// items, and items beside ours.
func UnstructuredKeyed(gvk schema.GroupVersionKind) Kind {
	kind := Unstructured(gvk)
	kind.Extract = func(obj client.Object) (any, error) {
		u, ok := obj.(*unstructured.Unstructured)
		if !ok {
			return nil, fmt.Errorf("%T is no %s", obj, gvk.Kind)
		}
		return extractKeyed(u)
	}
	return kind
}

func extractKeyed(live *unstructured.Unstructured) (map[string]any, error) {
	owned := &fieldpath.Set{}
	for _, entry := range live.GetManagedFields() {
		if entry.Manager != dittofsv1alpha1.FieldManager || entry.Operation != metav1.ManagedFieldsOperationApply ||
			entry.Subresource != "" || entry.FieldsV1 == nil {
			continue
		}
		set := &fieldpath.Set{}
		if err := set.FromJSON(bytes.NewReader(entry.FieldsV1.GetRawBytes())); err != nil {
			return nil, fmt.Errorf("decode the managed fields: %w", err)
		}
		owned = owned.Union(set)
	}
	out, ok := part(live.Object, owned).(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s %s is no object", live.GetKind(), live.GetName())
	}
	// Who applies an object names it, and owns no name for that.
	named := &unstructured.Unstructured{Object: out}
	named.SetAPIVersion(live.GetAPIVersion())
	named.SetKind(live.GetKind())
	named.SetName(live.GetName())
	named.SetNamespace(live.GetNamespace())
	return out, nil
}

// part is what a set has of a value.
func part(of any, set *fieldpath.Set) any {
	switch v := of.(type) {
	case map[string]any:
		out := map[string]any{}
		for element := range elements(set) {
			if element.FieldName == nil {
				continue
			}
			if item, found := v[*element.FieldName]; found {
				out[*element.FieldName] = partOfItem(item, set, element)
			}
		}
		return out
	case []any:
		out := []any{}
		for _, item := range v {
			for element := range elements(set) {
				if isItem(item, element) {
					out = append(out, partOfItem(item, set, element))
					break
				}
			}
		}
		return out
	default:
		return runtime.DeepCopyJSONValue(of)
	}
}

// partOfItem is all of the item unless the set goes deeper.
func partOfItem(item any, set *fieldpath.Set, element fieldpath.PathElement) any {
	if below, found := set.Children.Get(element); found && !below.Empty() {
		return part(item, below)
	}
	return runtime.DeepCopyJSONValue(item)
}

func elements(set *fieldpath.Set) iter.Seq[fieldpath.PathElement] {
	return func(yield func(fieldpath.PathElement) bool) {
		for element := range set.Children.All() {
			if !yield(element) {
				return
			}
		}
		for element := range set.Members.All() {
			if _, deeper := set.Children.Get(element); !deeper && !yield(element) {
				return
			}
		}
	}
}

// isItem says that an element of a path leads to this item of a list.
func isItem(item any, element fieldpath.PathElement) bool {
	switch {
	case element.Value != nil:
		return value.Equals(*element.Value, value.NewValueInterface(item))
	case element.Key != nil:
		object, ok := item.(map[string]any)
		if !ok {
			return false
		}
		for _, field := range *element.Key {
			if !value.Equals(field.Value, value.NewValueInterface(object[field.Name])) {
				return false
			}
		}
		return true
	default:
		return false
	}
}
