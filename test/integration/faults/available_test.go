// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// expectAvailable fails the test if the aggregator has taken our API away.
func expectAvailable(t *testing.T) {
	t.Helper()
	service, err := cluster.Admin.Dynamic.Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}).
		Get(t.Context(), "v1alpha1.dittofs.io", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	conditions, _, err := unstructured.NestedSlice(service.Object, "status", "conditions")
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range conditions {
		if c, ok := item.(map[string]any); ok && c["type"] == "Available" && c["status"] != "True" {
			t.Errorf("our API is not available: %v: %v", c["reason"], c["message"])
		}
	}
}
