// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package upgrade_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func scrape(t *testing.T, cluster *harness.Cluster) string {
	t.Helper()
	text, err := measure.Scrape(t.Context(), cluster.Server.DirectConfig())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// store is the etcd behind our server.
func store(t *testing.T, cluster *harness.Cluster) *clientv3.Client {
	t.Helper()
	endpoint, err := etcd.Running(cluster.Server.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	client, err := etcd.Connect(t.Context(), etcd.Connection{Endpoints: []string{endpoint}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// stored are the values of the DittoServers, and their revisions, by key.
func stored(t *testing.T, client *clientv3.Client) (values map[string][]byte, revisions map[string]int64) {
	t.Helper()
	found, err := client.Get(t.Context(), "/registry/dittofs.io/dittoservers/", clientv3.WithPrefix())
	if err != nil {
		t.Fatal(err)
	}
	values, revisions = map[string][]byte{}, map[string]int64{}
	for _, kv := range found.Kvs {
		values[string(kv.Key)], revisions[string(kv.Key)] = kv.Value, kv.ModRevision
	}
	return values, revisions
}

// ways of a migration, as docs/upgrade.md has them: each object is read and written by itself, by us or by the cluster.
var ways = []struct {
	name  string
	write func(t *testing.T, cluster *harness.Cluster)
}{
	// Not by kubectl replace: it changes the annotation that kubectl apply has left, and so writes everything.
	{"by empty patches", func(t *testing.T, cluster *harness.Cluster) {
		kubectl := cluster.Admin.Kubectl(namespace)
		for _, server := range list(t, cluster) {
			kubectl.Run(t, "patch", "dittoservers.dittofs.io", server.Name, "--type=merge", "--patch={}")
		}
	}},
	// Served by Kubernetes 1.37 and later.
	{"by a StorageVersionMigration", func(t *testing.T, cluster *harness.Cluster) {
		kubectl := cluster.Admin.Kubectl("")
		name := strings.TrimSpace(kubectl.Stdin(`{apiVersion: storagemigration.k8s.io/v1, kind: StorageVersionMigration,
  metadata: {generateName: dittoservers-}, spec: {resource: {group: dittofs.io, resource: dittoservers}}}`).
			Run(t, "create", "-f", "-", "-o", "jsonpath={.metadata.name}"))
		harness.Eventually(t, "the migration succeeds", func(context.Context) error {
			conditions := kubectl.Run(t, "get", "storageversionmigrations.storagemigration.k8s.io", name, "-o", "jsonpath={.status.conditions}")
			if !strings.Contains(conditions, `"type":"Succeeded"`) {
				return errors.New(conditions)
			}
			return nil
		})
	}},
}

// migrated expects of each way: what is stored otherwise than today's server would is written anew, and nothing else.
func migrated(t *testing.T, cluster *harness.Cluster, servers []dittofsv1alpha1.DittoServer) {
	client := store(t, cluster)
	ways[0].write(t, cluster) // those that have had no write since the upgrade
	settle(t, cluster)
	subject := cluster.Subject(namespace, "files")
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			key, older := storeWithoutADefault(t, client, "/"+namespace+"/files")
			before, revisions := stored(t, client)
			if len(before) != len(servers) {
				t.Fatalf("%d stored objects, want %d", len(before), len(servers))
			}
			generation, set, pod := subject.Get(t).Generation, subject.StatefulSet(t), subject.Pod(t)
			way.write(t, cluster)
			settle(t, cluster)
			values, now := stored(t, client)
			if bytes.Equal(values[key], older) || now[key] == revisions[key] {
				t.Errorf("the object in the older encoding was not written anew")
			}
			if !bytes.Contains(values[key], []byte(`"level":"INFO"`)) {
				t.Errorf("the object lacks the default: %s", values[key])
			}
			for name := range now {
				if name != key && now[name] != revisions[name] {
					t.Errorf("%s was stored as it should be, and was written nevertheless:\n%s\n%s", name, before[name], values[name])
				}
			}
			if g := subject.Get(t).Generation; g != generation {
				t.Errorf("the generation was %d and is %d", generation, g)
			}
			if s := subject.StatefulSet(t); s.Generation != set.Generation || subject.Pod(t).UID != pod.UID {
				t.Error("the migration has changed the pod")
			}
		})
	}
}

// storeWithoutADefault stores an object as an older build would have that had no such field.
func storeWithoutADefault(t *testing.T, client *clientv3.Client, suffix string) (key string, older []byte) {
	t.Helper()
	values, _ := stored(t, client)
	for candidate := range values {
		if strings.HasSuffix(candidate, suffix) {
			key = candidate
		}
	}
	var object map[string]any
	if err := json.Unmarshal(values[key], &object); err != nil {
		t.Fatalf("%q: %v", key, err)
	}
	if _, found, _ := unstructured.NestedFieldNoCopy(object, "spec", "logging", "level"); !found {
		t.Fatalf("spec.logging.level is not stored: %s", values[key])
	}
	unstructured.RemoveNestedField(object, "spec", "logging", "level")
	older, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Put(t.Context(), key, string(older)); err != nil {
		t.Fatal(err)
	}
	return key, older
}
