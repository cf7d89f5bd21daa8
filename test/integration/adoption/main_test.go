// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package adoption_test moves running servers of the DittoFS operator to us, by the commands of docs/migration.md.
// In: a control plane with the real garbage collector, a stand-in for the operator and one for the dfs API. Out: proof that
// no pod, claim or address changes before the window, that there is one restart then, and of what is said when steps are
// left out.
package adoption_test

import (
	"context"
	"errors"
	"flag"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
	"github.com/dittofs/dittofs-apiserver/test/standin/perconaoperator"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) {
	// Tests of this package wait for most of their time. A flag of the command line comes later and wins.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	harness.Run(m, harness.Options{StandIn: true}, &cluster)
}

// admin is the client that the stand-in for the operator writes with.
var admin = sync.OnceValues(func() (client.Client, error) {
	return client.New(cluster.Admin.Config, client.Options{})
})

// awaitGarbageCollection waits until the garbage collector knows PerconaPGClusters: it looks for new kinds every 30 s only.
// Before that it takes no ownerReference off them when their owner is deleted with --cascade=orphan, and deletes them
// afterwards. Whoever moves has had the kind for long.
func awaitGarbageCollection(t *testing.T) {
	t.Helper()
	namespace := cluster.Namespace(t)
	clusters := cluster.Admin.Dynamic.Resource(perconaoperator.Clusters).Namespace(namespace)
	dependent := perconaoperator.NewCluster("collected")
	dependent.SetOwnerReferences([]metav1.OwnerReference{{APIVersion: "v1", Kind: "ConfigMap", Name: "never-existed", UID: uuid.NewUUID()}})
	harness.Eventually(t, "the kind is served", func(ctx context.Context) error {
		_, err := clusters.Create(ctx, dependent, metav1.CreateOptions{})
		return err
	})
	harness.Eventually(t, "the garbage collector deletes a PerconaPGCluster whose owner never was", func(ctx context.Context) error {
		_, err := clusters.Get(ctx, dependent.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, errors.New("it is still there"))
	})
}
