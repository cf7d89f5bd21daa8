// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package adoption_test moves running servers of the DittoFS operator to us, by the commands of docs/migration.md.
// In: a control plane with the real garbage collector, a stand-in for the operator and one for the dfs API. Out: proof that
// no pod, claim or address changes before the window, that there is one restart then, and of what is said when steps are
// left out.
package adoption_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/dittofs/dittofs-apiserver/pkg/render"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) {
	// Tests of this package wait for most of their time. A flag of the command line comes later and wins.
	if err := flag.Set("test.parallel", "10"); err != nil {
		panic(err)
	}
	harness.Run(m, harness.Options{StandIn: true}, &cluster)
}

// admin is the client that the stand-in for the operator writes with.
var admin = sync.OnceValues(func() (client.Client, error) {
	return client.New(cluster.Admin.Config, client.Options{})
})

// installPercona gives the cluster the kind of the Percona operator, with the part of its schema that we use.
var installPercona = sync.OnceValue(func() error {
	root, err := harness.RepoDir()
	if err != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(root, "pkg", "render", "testdata", "percona", "perconapgclusters.crd.yaml"))
	if err != nil {
		return err
	}
	definition := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(content, &definition.Object); err != nil {
		return err
	}
	c, err := admin()
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := c.Create(ctx, definition); err != nil {
		return err
	}
	clusters := &unstructured.UnstructuredList{}
	clusters.SetGroupVersionKind(render.PerconaClusterKind)
	err = wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		return c.List(ctx, clusters) == nil, nil
	})
	if err != nil {
		return err
	}
	return awaitGarbageCollection(ctx, c)
})

// awaitGarbageCollection waits until the garbage collector knows PerconaPGClusters: it looks for new kinds every 30 s only.
// Before that it takes no ownerReference off them when their owner is deleted with --cascade=orphan, and deletes them
// afterwards. Whoever moves has had the kind for long.
func awaitGarbageCollection(ctx context.Context, c client.Client) error {
	dependent := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{
		"postgresVersion": int64(18), "backups": map[string]any{"enabled": false},
		"instances": []any{map[string]any{"dataVolumeClaimSpec": map[string]any{}}},
	}}}
	dependent.SetGroupVersionKind(render.PerconaClusterKind)
	dependent.SetNamespace(metav1.NamespaceDefault)
	dependent.SetName("collected")
	dependent.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "never-existed", UID: uuid.NewUUID()}})
	if err := c.Create(ctx, dependent); err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, 200*time.Millisecond, harness.PatienceLimit, true, func(ctx context.Context) (bool, error) {
		err := c.Get(ctx, client.ObjectKeyFromObject(dependent), dependent)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
}
