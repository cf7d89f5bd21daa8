// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package perconaoperator

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/yaml"
)

// Clusters is the resource of the operator's kind.
var Clusters = schema.GroupVersionResource{Group: "pgv2.percona.com", Version: "v2", Resource: "perconapgclusters"}

// Ready is the state of a cluster that serves.
const Ready = "ready"

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// InstallKind gives a cluster the kind: the part of it that we use, or the operator's own definition from the file that
// PERCONA_CRD names. It is served a moment later.
func InstallKind(ctx context.Context, client dynamic.Interface, repoDir string) error {
	file := cmp.Or(os.Getenv("PERCONA_CRD"), filepath.Join(repoDir, "pkg", "render", "testdata", "percona", "perconapgclusters.crd.yaml"))
	content, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read the definition of PerconaPGCluster: %w", err)
	}
	definition := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(content, &definition.Object); err != nil {
		return fmt.Errorf("decode %s: %w", file, err)
	}
	_, err = client.Resource(definitions).Create(ctx, definition, metav1.CreateOptions{})
	return err
}

// NewCluster is a cluster as somebody else makes one, with a database for the user dittofs.
func NewCluster(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "pgv2.percona.com/v2", "kind": "PerconaPGCluster", "metadata": map[string]any{"name": name},
		"spec": map[string]any{
			"crVersion": "3.0.0", "postgresVersion": int64(18), "backups": map[string]any{"enabled": false},
			"instances": []any{map[string]any{"name": "a", "dataVolumeClaimSpec": map[string]any{}}},
			"users":     []any{map[string]any{"name": "dittofs", "databases": []any{"dittofs"}}},
		},
	}}
}

// At is what a field has; nil if it is not set.
func At(object *unstructured.Unstructured, fields ...string) any {
	value, _, _ := unstructured.NestedFieldNoCopy(object.Object, fields...)
	return value
}

// State of a cluster, as its status has it.
func State(cluster *unstructured.Unstructured) string {
	state, _ := At(cluster, "status", "state").(string)
	return state
}

func set(object *unstructured.Unstructured, value any, fields ...string) {
	if err := unstructured.SetNestedField(object.Object, value, fields...); err != nil {
		panic(err)
	}
}
