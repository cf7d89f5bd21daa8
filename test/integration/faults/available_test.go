// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// expectAvailable fails the test if the aggregator has taken our API away.
func expectAvailable(t *testing.T) {
	t.Helper()
	var service *unstructured.Unstructured
	harness.Eventually(t, "the host says whether our API is available", func(ctx context.Context) (err error) {
		service, err = cluster.Admin.Dynamic.Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}).
			Get(ctx, "v1alpha1.dittofs.io", metav1.GetOptions{})
		return err
	})
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
