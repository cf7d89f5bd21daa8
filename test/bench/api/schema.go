// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/generated/openapi"
)

const definitionPrefix = "#/definitions/"

// structural makes the structural schema of our kind out of its OpenAPI
// definition: the same types, defaults, enumerations and kinds of lists.
func structural() (*apiextensionsv1.JSONSchemaProps, error) {
	definitions := openapi.GetOpenAPIDefinitions(func(name string) spec.Ref { return spec.MustCreateRef(definitionPrefix + name) })
	s := structuralizer(definitions)
	root, err := s.definition(dittofsv1alpha1.DittoServer{}.OpenAPIModelName())
	if err != nil {
		return nil, err
	}
	// A CRD does not describe metadata, which is that of every kind.
	root["properties"].(map[string]any)["metadata"] = map[string]any{"type": "object"}
	text, err := json.Marshal(root)
	if err != nil {
		return nil, err
	}
	result := &apiextensionsv1.JSONSchemaProps{}
	return result, json.Unmarshal(text, result)
}

// structuralizer has the definitions by their names.
type structuralizer map[string]common.OpenAPIDefinition

func (s structuralizer) definition(name string) (map[string]any, error) {
	switch {
	case strings.HasSuffix(name, ".Quantity"), strings.HasSuffix(name, ".IntOrString"):
		return map[string]any{"x-kubernetes-int-or-string": true}, nil
	case strings.HasSuffix(name, ".v1alpha1.Value"):
		return map[string]any{"x-kubernetes-preserve-unknown-fields": true}, nil
	case strings.HasSuffix(name, ".ObjectMeta"):
		return map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true}, nil
	}
	definition, ok := s[name]
	if !ok {
		return nil, fmt.Errorf("no definition of %s", name)
	}
	text, err := json.Marshal(definition.Schema)
	if err != nil {
		return nil, err
	}
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		return nil, err
	}
	return s.resolve(schema)
}

// resolve puts definitions in the place of references, and leaves out what a
// structural schema may not have.
func (s structuralizer) resolve(schema map[string]any) (map[string]any, error) {
	// The zero value of a Go type is no default that anybody sees.
	switch value := schema["default"].(type) {
	case map[string]any:
		if len(value) == 0 {
			delete(schema, "default")
		}
	case string, float64:
		if value == "" || value == 0. {
			delete(schema, "default")
		}
	}
	reference, referenced := schema["$ref"].(string)
	if parts, ok := schema["allOf"].([]any); ok && len(parts) == 1 {
		reference, referenced = parts[0].(map[string]any)["$ref"].(string)
	}
	if referenced {
		resolved, err := s.definition(strings.TrimPrefix(reference, definitionPrefix))
		if err != nil {
			return nil, err
		}
		for _, kept := range []string{"default", "description"} {
			if value, ok := schema[kept]; ok {
				resolved[kept] = value
			}
		}
		return resolved, nil
	}
	for _, unwanted := range []string{"x-kubernetes-patch-merge-key", "x-kubernetes-patch-strategy", "x-kubernetes-unions", "x-kubernetes-group-version-kind"} {
		delete(schema, unwanted)
	}
	// Numbers and texts have formats of the wire, such as int32, which a CRD takes; a time has date-time.
	children := []map[string]any{}
	if properties, ok := schema["properties"].(map[string]any); ok {
		children = append(children, properties)
	}
	for _, children := range append(children, schema) {
		for key, value := range children {
			child, ok := value.(map[string]any)
			if !ok || key == "properties" || key == "default" {
				continue
			}
			resolved, err := s.resolve(child)
			if err != nil {
				return nil, err
			}
			children[key] = resolved
		}
	}
	s.requireKeys(schema)
	return schema, nil
}

// requireKeys does for the keys of a list what a CRD asks for: they are required or have a default.
func (s structuralizer) requireKeys(schema map[string]any) {
	keys, _ := schema["x-kubernetes-list-map-keys"].([]any)
	items, _ := schema["items"].(map[string]any)
	if len(keys) == 0 || items == nil {
		return
	}
	required, _ := items["required"].([]any)
	known := map[any]bool{}
	for _, name := range required {
		known[name] = true
	}
	properties, _ := items["properties"].(map[string]any)
	for _, key := range keys {
		property, _ := properties[key.(string)].(map[string]any)
		if _, ok := property["default"]; !ok && !known[key] {
			required = append(required, key)
		}
	}
	items["required"] = required
}
