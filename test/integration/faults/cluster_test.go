// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

const ourNamespace = "dittofs-system"

func contains(text, part string) bool { return strings.Contains(text, part) }

func processOf(t *testing.T, name string) int {
	t.Helper()
	for _, process := range cluster.Plane.Processes() {
		if process.Name == name {
			return process.PID
		}
	}
	t.Fatalf("%s does not run", name)
	return 0
}

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

func deleteSecret(t *testing.T, namespace, name string) {
	t.Helper()
	if err := cluster.Admin.Kube.CoreV1().Secrets(namespace).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

func leaseHolder(ctx context.Context) (string, error) {
	lease, err := cluster.Admin.Kube.CoordinationV1().Leases(ourNamespace).Get(ctx, "dittofs-apiserver-controllers", metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
		return "", errors.New("the lease has no holder")
	}
	return *lease.Spec.HolderIdentity, nil
}

// stealLease takes the lease for somebody who will not renew it.
func stealLease(t *testing.T, thief string) {
	t.Helper()
	_, err := cluster.Admin.Kube.CoordinationV1().Leases(ourNamespace).Patch(t.Context(), "dittofs-apiserver-controllers",
		types.MergePatchType, fmt.Appendf(nil, `{"spec":{"holderIdentity":%q}}`, thief), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}
