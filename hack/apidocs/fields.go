// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// field is one field of the API, with the fields below it.
type field struct {
	// path with "[]" after a list: spec.snapshotPolicies[].share.
	path string
	// typeText is the type as a user of YAML knows it.
	typeText string
	doc      comment
	// typeDoc is the comment of the struct type, if it is one of ours.
	typeDoc  string
	values   []constant
	required bool
	// zeroDefault is what a field that is left out means without any defaulting.
	zeroDefault string
	// reference is the name of a shared type that is described elsewhere.
	reference string
	fields    []*field
}

var (
	ourPackage   = reflect.TypeFor[dittofsv1alpha1.DittoServer]().PkgPath()
	quantityType = reflect.TypeFor[resource.Quantity]()
	timeType     = reflect.TypeFor[metav1.Time]()
	valueType    = reflect.TypeFor[dittofsv1alpha1.Value]()
)

// walker turns Go types into fields. References collects the shared types that it met.
type walker struct {
	source     *source
	references map[string]reflect.Type
}

// fieldsOf lists the fields of a struct of ours under a path. A field without a
// doc comment is an error: a reader would be left alone with its name.
func (w *walker) fieldsOf(structType reflect.Type, path string) ([]*field, error) {
	var result []*field
	for i := range structType.NumField() {
		goField := structType.Field(i)
		name, options, _ := strings.Cut(goField.Tag.Get("json"), ",")
		if goField.Anonymous && name == "" {
			inlined, err := w.fieldsOf(goField.Type, path)
			if err != nil {
				return nil, err
			}
			result = append(result, inlined...)
			continue
		}
		doc, ok := w.source.fields[structType.Name()+"."+goField.Name]
		if !ok || doc.text == "" {
			return nil, fmt.Errorf("%s.%s has no doc comment", structType.Name(), goField.Name)
		}
		entry, err := w.field(goField.Type, strings.TrimPrefix(path+"."+name, "."), doc)
		if err != nil {
			return nil, err
		}
		entry.required = doc.has("required", "k8s:required") || !strings.Contains(options, "omitempty") && !doc.has("optional")
		result = append(result, entry)
	}
	return result, nil
}

func (w *walker) field(goType reflect.Type, path string, doc comment) (*field, error) {
	entry := &field{path: path, doc: doc}
	if goType.Kind() == reflect.Bool {
		entry.zeroDefault = "false"
	}
	item := goType
	if item.Kind() == reflect.Pointer {
		item = item.Elem()
	}
	list := item.Kind() == reflect.Slice
	if list {
		item = item.Elem()
		path += "[]"
	}
	entry.typeText = typeText(item)
	if list {
		entry.typeText = "list of " + entry.typeText
	}
	ours := item.PkgPath() == ourPackage
	switch {
	case ours && item.Kind() == reflect.String:
		for _, candidate := range w.source.constants {
			if candidate.typeName == item.Name() {
				entry.values = append(entry.values, candidate)
			}
		}
	case ours && item.Kind() == reflect.Struct && item != valueType:
		entry.typeDoc = w.source.types[item.Name()].text
		if isReference(item) {
			w.references[item.Name()] = item
			entry.reference = item.Name()
			return entry, nil
		}
		fields, err := w.fieldsOf(item, path)
		if err != nil {
			return nil, err
		}
		entry.fields = fields
	}
	return entry, nil
}

// isReference tells the small types that many fields share, to be described once.
func isReference(structType reflect.Type) bool {
	return strings.HasSuffix(structType.Name(), "Reference")
}

// typeText names a type in the words of JSON and of Kubernetes.
func typeText(goType reflect.Type) string {
	switch goType {
	case quantityType:
		return "quantity"
	case timeType:
		return "time"
	case valueType:
		return "any value"
	}
	switch goType.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.Int32, reflect.Int64:
		return "integer"
	case reflect.String:
		return "string"
	case reflect.Map:
		return "map of " + typeText(goType.Key()) + " to " + typeText(goType.Elem())
	case reflect.Pointer:
		return typeText(goType.Elem())
	}
	if goType.PkgPath() == ourPackage {
		if isReference(goType) {
			return fmt.Sprintf("[%s](#%s)", goType.Name(), anchor(goType.Name()))
		}
		return "object"
	}
	return fmt.Sprintf("[%s](https://pkg.go.dev/%s#%s)", goType.Name(), goType.PkgPath(), goType.Name())
}
