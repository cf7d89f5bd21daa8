// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package class

import (
	"fmt"
	"reflect"
	"strings"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// ReservedChanges lists the reserved fields that a request decides: those that an
// update changes, and those in which a new server differs from what it would be
// without its author having a say. Old is nil for a create.
func ReservedChanges(spec, old *dittofsv1alpha1.DittoServerSpec, class *dittofsv1alpha1.DittoServerClassSpec) ([]Violation, error) {
	if len(class.Reserved) == 0 {
		return nil, nil
	}
	now, err := runtime.DefaultUnstructuredConverter.ToUnstructured(spec)
	if err != nil {
		return nil, fmt.Errorf("read the spec: %w", err)
	}
	var before map[string]any
	if old != nil {
		if before, err = runtime.DefaultUnstructuredConverter.ToUnstructured(old); err != nil {
			return nil, fmt.Errorf("read the old spec: %w", err)
		}
	}
	var found []Violation
	for _, reserved := range class.Reserved {
		names := strings.Split(reserved, ".")
		if old == nil {
			if before, err = without(now, names, class); err != nil {
				return nil, err
			}
		}
		value, was := at(now, names), at(before, names)
		if !apiequality.Semantic.DeepEqual(value, was) {
			found = append(found, Violation{
				Path: field.NewPath("spec", names...), Value: text(value),
				Allowed: fmt.Sprintf("reserves this field: it stays %s", text(was)),
			})
		}
	}
	return found, nil
}

// without is the spec as it would be stored if a field had been left out.
func without(spec map[string]any, names []string, class *dittofsv1alpha1.DittoServerClassSpec) (map[string]any, error) {
	copied := runtime.DeepCopyJSON(spec)
	unstructured.RemoveNestedField(copied, names...)
	server := &dittofsv1alpha1.DittoServer{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(copied, &server.Spec); err != nil {
		return nil, fmt.Errorf("read the spec without %s: %w", strings.Join(names, "."), err)
	}
	ApplyDefaults(&server.Spec, &class.Defaults)
	dittofsv1alpha1.CompleteDefaults(server, nil)
	filled, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&server.Spec)
	if err != nil {
		return nil, fmt.Errorf("read the spec without %s: %w", strings.Join(names, "."), err)
	}
	return filled, nil
}

func at(object map[string]any, names []string) any {
	value, _, _ := unstructured.NestedFieldNoCopy(object, names...)
	return value
}

// IsField tells whether a path, of names with dots between them, is that of a
// field of the spec of a DittoServer.
func IsField(path string) bool {
	current := reflect.TypeFor[dittofsv1alpha1.DittoServerSpec]()
	for name := range strings.SplitSeq(path, ".") {
		if current.Kind() == reflect.Pointer {
			current = current.Elem()
		}
		if current.Kind() != reflect.Struct {
			return false
		}
		next, ok := child(current, name)
		if !ok {
			return false
		}
		current = next
	}
	return true
}

func child(structure reflect.Type, name string) (reflect.Type, bool) {
	for i := range structure.NumField() {
		f := structure.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if tag == "" && f.Anonymous {
			if found, ok := child(f.Type, name); ok {
				return found, true
			}
			continue
		}
		if tag == name && tag != "" {
			return f.Type, true
		}
	}
	return nil, false
}
