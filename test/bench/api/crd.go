// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
)

const crdGroup = "bench.dittofs.io"

// ranges are the limits that our kind has in tags, which OpenAPI does not carry.
var ranges = []struct {
	path     []string
	min, max float64
}{
	{[]string{"spec", "replicas"}, 0, 1},
	{[]string{"spec", "terminationGracePeriodSeconds"}, 36, 86400},
	{[]string{"spec", "controlPlane", "port"}, 1, 65535},
	{[]string{"spec", "metrics", "port"}, 1, 65535},
}

// rules are what the authors of a CRD write in CEL for the rules of ours that
// cost a storage its data: volumes grow only, classes and databases stay.
var rules = map[string][]apiextensionsv1.ValidationRule{
	"storage": {
		{Rule: "quantity(self.metadataSize).isGreaterThan(quantity('0'))", Message: "must be greater than zero"},
		{Rule: "quantity(self.metadataSize).compareTo(quantity(oldSelf.metadataSize)) >= 0", Message: "volumes grow only"},
		{Rule: "!has(oldSelf.contentSize) || has(self.contentSize) && quantity(self.contentSize).compareTo(quantity(oldSelf.contentSize)) >= 0", Message: "volumes grow only"},
		{Rule: "has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)", Message: "is immutable"},
	},
	"database": {{Rule: "self.type == oldSelf.type", Message: "is immutable"}},
	"identity": {
		{Rule: "!has(self.jwt) || !has(self.jwt.accessTokenDuration) || duration(self.jwt.accessTokenDuration) >= duration('1m')", Message: "must be at least 1m"},
		{Rule: "!has(self.jwt) || !has(self.jwt.refreshTokenDuration) || duration(self.jwt.refreshTokenDuration) >= duration('1m')", Message: "must be at least 1m"},
	},
}

// columns print the same cells as ours, as far as a path can.
var columns = []apiextensionsv1.CustomResourceColumnDefinition{
	{Name: "Phase", Type: "string", JSONPath: ".status.phase"},
	{Name: "Ready", Type: "string", JSONPath: `.status.conditions[?(@.type=="Ready")].status`},
	{Name: "Adapters", Type: "string", JSONPath: ".status.adapters[*].type"},
	{Name: "Endpoint", Type: "string", JSONPath: ".status.endpoints.api"},
	{Name: "Version", Type: "string", JSONPath: ".status.version"},
	{Name: "Age", Type: "date", JSONPath: ".metadata.creationTimestamp"},
	{Name: "Image", Type: "string", Priority: 1, JSONPath: ".spec.image"},
	{Name: "Database", Type: "string", Priority: 1, JSONPath: ".spec.database.type"},
	{Name: "Volumes", Type: "string", Priority: 1, JSONPath: ".status.volumes[*].phase"},
}

func newCRD() (*apiextensionsv1.CustomResourceDefinition, error) {
	schema, err := structural()
	if err != nil {
		return nil, err
	}
	for _, limit := range ranges {
		edit(schema, limit.path, func(field *apiextensionsv1.JSONSchemaProps) {
			field.Minimum, field.Maximum = ptr.To(limit.min), ptr.To(limit.max)
		})
	}
	for name, added := range rules {
		edit(schema, []string{"spec", name}, func(field *apiextensionsv1.JSONSchemaProps) { field.XValidations = added })
	}
	// A rule may cost no more than a bounded text can.
	for _, path := range [][]string{
		{"spec", "storage", "storageClassName"}, {"spec", "database", "type"},
		{"spec", "identity", "jwt", "accessTokenDuration"}, {"spec", "identity", "jwt", "refreshTokenDuration"},
	} {
		edit(schema, path, func(field *apiextensionsv1.JSONSchemaProps) { field.MaxLength = ptr.To[int64](253) })
	}
	for _, name := range []string{"metadataSize", "contentSize"} {
		// Where the type is open, CEL cannot tell that quantity() is given a text.
		edit(schema, []string{"spec", "storage", name}, func(field *apiextensionsv1.JSONSchemaProps) {
			*field = apiextensionsv1.JSONSchemaProps{Type: "string", MaxLength: ptr.To[int64](32)}
		})
	}
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "dittoservers." + crdGroup},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: crdGroup, Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "dittoservers", Singular: "dittoserver", Kind: "DittoServer", ListKind: "DittoServerList"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true, AdditionalPrinterColumns: columns,
				Schema:           &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: schema},
				Subresources:     &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
				SelectableFields: []apiextensionsv1.SelectableField{{JSONPath: ".status.phase"}, {JSONPath: ".spec.image"}, {JSONPath: ".spec.storage.storageClassName"}},
			}},
		},
	}, nil
}

// edit changes the schema of one field.
func edit(schema *apiextensionsv1.JSONSchemaProps, path []string, change func(*apiextensionsv1.JSONSchemaProps)) {
	if len(path) == 0 {
		change(schema)
		return
	}
	field := schema.Properties[path[0]]
	edit(&field, path[1:], change)
	schema.Properties[path[0]] = field
}

// installCRD returns when the custom resource is served.
func installCRD(ctx context.Context, config *rest.Config) error {
	crd, err := newCRD()
	if err != nil {
		return err
	}
	client, err := clientset.NewForConfig(config)
	if err != nil {
		return err
	}
	definitions := client.ApiextensionsV1().CustomResourceDefinitions()
	if _, err := definitions.Create(ctx, crd, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create the CRD: %w", err)
	}
	return wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		current, err := definitions.Get(ctx, crd.Name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		for _, condition := range current.Status.Conditions {
			if condition.Type == apiextensionsv1.Established && condition.Status == apiextensionsv1.ConditionTrue {
				return true, nil
			}
		}
		return false, nil
	})
}
