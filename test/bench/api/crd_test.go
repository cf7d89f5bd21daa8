// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
)

// kube-apiserver's own rules: the schema is structural, its defaults are valid, its rules compile and cost little enough.
func TestTheCRDIsAcceptedByKubernetes(t *testing.T) {
	crd, err := newCRD()
	if err != nil {
		t.Fatal(err)
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(crd)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&crd.Spec)
	internal := &apiextensions.CustomResourceDefinition{}
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(crd, internal, nil); err != nil {
		t.Fatal(err)
	}
	internal.Status.StoredVersions = []string{"v1"}
	for _, problem := range validation.ValidateCustomResourceDefinition(t.Context(), internal) {
		t.Error(problem)
	}
}

func TestTheCRDChecksWhatOursChecks(t *testing.T) {
	schema, err := structural()
	if err != nil {
		t.Fatal(err)
	}
	spec := schema.Properties["spec"]
	if len(spec.Properties) < 30 {
		t.Errorf("only %d fields in the spec", len(spec.Properties))
	}
	rollout := spec.Properties["rollout"]
	if len(rollout.Enum) != 2 || rollout.Default == nil {
		t.Errorf("rollout has the values %v and the default %v", rollout.Enum, rollout.Default)
	}
	if policies := spec.Properties["snapshotPolicies"]; len(policies.XListMapKeys) != 1 || policies.Items.Schema.Properties["share"].Type != "string" {
		t.Errorf("snapshotPolicies are %+v", policies)
	}
}
