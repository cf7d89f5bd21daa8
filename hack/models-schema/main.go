// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command models-schema prints the OpenAPI v2 definitions of the group as JSON,
// the input from which applyconfiguration-gen learns list types and keys.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"github.com/dittofs/dittofs-apiserver/pkg/generated/openapi"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "models-schema: %v\n", err)
		os.Exit(1)
	}
}

func run() error {
	ref := func(name string) spec.Ref {
		return spec.MustCreateRef("#/definitions/" + name)
	}
	definitions := make(map[string]spec.Schema)
	for name, definition := range openapi.GetOpenAPIDefinitions(ref) {
		// Where a type has a form of its own for v2 (quantities, int-or-string), that is the one wanted here.
		if extension, ok := definition.Schema.Extensions[common.ExtensionV2Schema]; ok {
			if schema, ok := extension.(spec.Schema); ok {
				definitions[name] = schema
				continue
			}
		}
		definitions[name] = definition.Schema
	}
	return json.NewEncoder(os.Stdout).Encode(&spec.Swagger{
		SwaggerProps: spec.SwaggerProps{
			Definitions: definitions,
			Info:        &spec.Info{InfoProps: spec.InfoProps{Title: "dittofs.io", Version: "v1alpha1"}},
			Swagger:     "2.0",
		},
	})
}
