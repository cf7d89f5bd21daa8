// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apiextensions-apiserver/pkg/controller/openapi/builder"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/managedfields"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// perconaSchema is what an API server makes of the CRD.
type perconaSchema struct {
	structural *schema.Structural
	validator  validation.SchemaValidator
	cel        *cel.Validator
	converter  managedfields.TypeConverter
}

// loadPerconaSchema does its work once: it takes a third of a second.
var loadPerconaSchema = sync.OnceValues(func() (*perconaSchema, error) {
	crd, err := readPerconaCRD()
	if err != nil {
		return nil, err
	}
	version := crd.Spec.Versions[0]
	internal := &apiextensions.CustomResourceValidation{}
	if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(version.Schema, internal, nil); err != nil {
		return nil, err
	}
	s := &perconaSchema{}
	if s.structural, err = schema.NewStructural(internal.OpenAPIV3Schema); err != nil {
		return nil, err
	}
	if s.validator, _, err = validation.NewSchemaValidator(internal.OpenAPIV3Schema); err != nil {
		return nil, err
	}
	s.cel = cel.NewValidator(s.structural, true, celconfig.PerCallLimit)
	models, err := builder.BuildOpenAPIV3(crd, version.Name, builder.Options{})
	if err != nil {
		return nil, err
	}
	s.converter, err = managedfields.NewTypeConverter(models.Components.Schemas, false)
	return s, err
})

func readPerconaCRD() (*apiextensionsv1.CustomResourceDefinition, error) {
	content, err := os.ReadFile(cmp.Or(os.Getenv("PERCONA_CRD"), filepath.Join("testdata", "percona", "perconapgclusters.crd.yaml")))
	if err != nil {
		return nil, err
	}
	crd := &apiextensionsv1.CustomResourceDefinition{}
	return crd, yaml.UnmarshalStrict(content, crd)
}

// check reports why an API server with the CRD would refuse an object, or silently drop a part of it.
func (s *perconaSchema) check(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	content := object.DeepCopy().Object
	for _, path := range pruning.PruneWithOptions(content, s.structural, true, schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}) {
		t.Errorf("the schema does not know %s", path)
	}
	defaulting.Default(content, s.structural)
	for _, err := range validation.ValidateCustomResource(nil, content, s.validator) {
		t.Error(err)
	}
	for _, err := range listtype.ValidateListSetsAndMaps(nil, s.structural, content) {
		t.Error(err)
	}
	errs, _ := s.cel.Validate(context.Background(), nil, s.structural, content, nil, celconfig.RuntimeCELCostBudget)
	for _, err := range errs {
		t.Error(err)
	}
}

func perconaSchemaForTest(t *testing.T) *perconaSchema {
	t.Helper()
	s, err := loadPerconaSchema()
	if err != nil {
		t.Fatalf("reading the CRD of Percona: %v", err)
	}
	return s
}
