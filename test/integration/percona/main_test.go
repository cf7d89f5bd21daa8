// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package percona_test runs DittoServers on PostgreSQL by Percona: a control plane with our controllers in it, the kind
// PerconaPGCluster, and a stand-in for its operator.
// In: the part of the kind that we use, or the operator's own CRD from PERCONA_CRD. Out: proof of what is asked of the
// operator, when a server starts on its database, and what is never touched. No PostgreSQL runs.
package percona_test

import (
	"cmp"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) { harness.Run(m, harness.Options{StandIn: true}, &cluster) }

// installKind gives the host cluster the kind, while our server runs.
var installKind = sync.OnceValue(func() error {
	root, err := harness.RepoDir()
	if err != nil {
		return err
	}
	file := cmp.Or(os.Getenv("PERCONA_CRD"), filepath.Join(root, "pkg", "render", "testdata", "percona", "perconapgclusters.crd.yaml"))
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	definition := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(content, &definition.Object); err != nil {
		return err
	}
	definitions := schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	_, err = cluster.Admin.Dynamic.Resource(definitions).Create(context.Background(), definition, metav1.CreateOptions{})
	return err
})

const name = "files"

// onPercona creates a DittoServer whose database is in a PerconaPGCluster. It is accepted as soon as our server has
// noticed the kind.
func onPercona(t *testing.T, namespace string, change ...func(*dittofsv1alpha1.DittoServer)) {
	t.Helper()
	if err := installKind(); err != nil {
		t.Fatal(err)
	}
	server := harness.NewDittoServer(name, append([]func(*dittofsv1alpha1.DittoServer){func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true}
	}}, change...)...)
	harness.Eventually(t, "the server is accepted", func(ctx context.Context) error {
		_, err := cluster.Admin.DittoServers(namespace).Create(ctx, server, metav1.CreateOptions{})
		return err
	})
}

// existing makes a cluster as somebody else does.
func existing(t *testing.T, namespace, cluster string) {
	t.Helper()
	if err := installKind(); err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "pgv2.percona.com/v2", "kind": "PerconaPGCluster", "metadata": map[string]any{"name": cluster},
		"spec": map[string]any{
			"crVersion": "3.0.0", "postgresVersion": int64(18), "backups": map[string]any{"enabled": false},
			"instances": []any{map[string]any{"name": "a", "dataVolumeClaimSpec": map[string]any{}}},
			"users":     []any{map[string]any{"name": "dittofs", "databases": []any{"dittofs"}}},
		},
	}}
	createCluster(t, namespace, object)
}

func createCluster(t *testing.T, namespace string, object *unstructured.Unstructured) {
	t.Helper()
	harness.Eventually(t, "the kind is served", func(ctx context.Context) error {
		_, err := cluster.Admin.Dynamic.Resource(clusters).Namespace(namespace).Create(ctx, object.DeepCopy(), metav1.CreateOptions{FieldManager: "dba"})
		return err
	})
}

func patchServer(t *testing.T, namespace, patch string) {
	t.Helper()
	_, err := cluster.Admin.DittoServers(namespace).Patch(t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func awaitReady(t *testing.T, namespace string) {
	t.Helper()
	cluster.AwaitCondition(t, harness.PatienceLimit, namespace, name, dittofsv1alpha1.ConditionReady, metav1.ConditionTrue)
}

func server(t *testing.T, namespace string) *dittofsv1alpha1.DittoServer {
	t.Helper()
	found, err := cluster.Admin.DittoServers(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func describe(object *unstructured.Unstructured) string {
	text, err := json.Marshal(object.Object)
	if err != nil {
		return err.Error()
	}
	return string(text)
}
