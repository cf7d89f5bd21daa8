// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// It takes some seconds, since the answer of the host is kept for as long.
func TestPerconaNeedsItsOperator(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t)
	percona := func(s *dittofsv1alpha1.DittoServerSpec) { s.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true} }
	for _, options := range []metav1.CreateOptions{{}, dryRun} {
		expectRefusal(t, create(t.Context(), cluster.Admin, namespace, "files", options, percona), 422,
			"spec.percona.enabled", "install the Percona operator first", "perconapgclusters.pgv2.percona.com")
	}

	definitions := cluster.Admin.Dynamic.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	name := "perconapgclusters.pgv2.percona.com"
	_, err := definitions.Create(t.Context(), &unstructured.Unstructured{Object: object{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": object{"name": name},
		"spec": object{
			"group": "pgv2.percona.com", "scope": "Namespaced",
			"names": object{"plural": "perconapgclusters", "singular": "perconapgcluster", "kind": "PerconaPGCluster", "listKind": "PerconaPGClusterList"},
			"versions": []any{object{
				"name": "v2", "served": true, "storage": true,
				"schema": object{"openAPIV3Schema": object{"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
			}},
		},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := definitions.Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	harness.Eventually(t, "the operator is seen", func(ctx context.Context) error {
		return create(ctx, cluster.Admin, namespace, "files", metav1.CreateOptions{}, percona)
	})
}
