// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package upgrade_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// recordings are the directories of testdata, one for each older build.
func recordings(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*", servedAs))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings (%v)", err)
	}
	var dirs []string
	for _, file := range files {
		dirs = append(dirs, filepath.Dir(file))
	}
	return dirs
}

// upgraded is a cluster that an older build has left, with today's server in it. What was there before it is returned.
func upgraded(t *testing.T, dir string) (*harness.Cluster, map[string]harness.Parts) {
	t.Helper()
	cluster := start(t, harness.Options{Name: "upgrade", StandIn: true, KeptDatabases: true, WithoutServer: true, Recording: dir})
	cluster.PerconaOperator(t, namespace)
	before := map[string]harness.Parts{}
	for _, server := range recorded(t, dir) {
		before[server.Name] = cluster.Subject(namespace, server.Name).Parts(t)
		if len(before[server.Name].Only("statefulsets/")) != 1 {
			t.Fatalf("the recording has no StatefulSet of %s: %v", server.Name, before[server.Name].Names())
		}
	}
	cluster.Install(t)
	return cluster, before
}

func TestTodaysServerTakesOverWhatAnOlderOneHasLeft(t *testing.T) {
	for _, dir := range recordings(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			cluster, before := upgraded(t, dir)
			servers := recorded(t, dir)
			awaitPasses(t, cluster, servers)
			settle(t, cluster)

			t.Run("every object is served as it was", func(t *testing.T) { servedAsBefore(t, cluster, servers) })
			t.Run("the store is known", func(t *testing.T) { storeIsKnown(t, cluster) })
			t.Run("no pod is restarted", func(t *testing.T) {
				for name, parts := range before {
					// A Service or a rule may be added or changed by a release. What runs or holds data may not.
					kinds := []string{"pods/", "statefulsets/", "persistentvolumeclaims/", "secrets/"}
					now := cluster.Subject(namespace, name).Parts(t)
					parts.Only(kinds...).Compare(t, now.Only(kinds...), func(m metav1.ObjectMeta) string {
						return fmt.Sprintf("UID %s, deleted at %v", m.UID, m.DeletionTimestamp)
					})
				}
			})
			t.Run("no pod template is changed", func(t *testing.T) { templatesAreHeld(t, cluster, servers, before) })
			t.Run("who was ready is ready", func(t *testing.T) { readyAsBefore(t, cluster, servers) })
			t.Run("stored objects are written in the encoding of today", func(t *testing.T) { migrated(t, cluster, servers) })
			t.Run("a change restarts its own pod once", func(t *testing.T) { changedOnce(t, cluster) })
			t.Run("a server is deleted with its parts", func(t *testing.T) {
				subject := cluster.Subject(namespace, "grown")
				subject.Delete(t)
				if left := subject.Parts(t).Only("statefulsets/", "pods/", "services/", "configmaps/"); len(left) > 0 {
					t.Errorf("left: %v", left.Names())
				}
			})
		})
	}
}

// awaitPasses waits until today's controllers have gone through every server once without an error.
func awaitPasses(t *testing.T, cluster *harness.Cluster, servers []dittofsv1alpha1.DittoServer) {
	t.Helper()
	harness.Eventually(t, "every server is reconciled", func(context.Context) error {
		text := scrape(t, cluster)
		var missing []string
		for _, server := range servers {
			if !strings.Contains(text, fmt.Sprintf(`dittofs_server_reconciles_total{name=%q,namespace=%q,result="success"}`, server.Name, namespace)) {
				missing = append(missing, server.Name)
			}
		}
		if len(missing) > 0 {
			return fmt.Errorf("not yet: %v", missing)
		}
		return nil
	})
}

// servedAsBefore says that nothing that the older build served is lost: fields may be added, as defaults are.
func servedAsBefore(t *testing.T, cluster *harness.Cluster, servers []dittofsv1alpha1.DittoServer) {
	now := map[string]dittofsv1alpha1.DittoServer{}
	for _, server := range list(t, cluster) {
		now[server.Name] = server
	}
	if len(now) != len(servers) {
		t.Errorf("%d servers, want %d", len(now), len(servers))
	}
	for _, old := range servers {
		server, ok := now[old.Name]
		if !ok {
			t.Errorf("%s is lost", old.Name)
			continue
		}
		if server.UID != old.UID || server.Generation != old.Generation || !server.CreationTimestamp.Equal(&old.CreationTimestamp) {
			t.Errorf("%s: UID %s, generation %d, want %s and %d", old.Name, server.UID, server.Generation, old.UID, old.Generation)
		}
		for _, lost := range lostIn(asMap(t, old.Spec), asMap(t, server.Spec), "spec") {
			t.Errorf("%s: %s", old.Name, lost)
		}
		if !reflect.DeepEqual(old.Labels, server.Labels) || !reflect.DeepEqual(old.Finalizers, server.Finalizers) {
			t.Errorf("%s: labels %v and finalizers %v, want %v and %v", old.Name, server.Labels, server.Finalizers, old.Labels, old.Finalizers)
		}
	}
}

// lostIn tells what of a value is not in the other, or is different there.
func lostIn(want, got any, path string) (lost []string) {
	fields, isMap := want.(map[string]any)
	if !isMap {
		if !reflect.DeepEqual(want, got) {
			lost = append(lost, fmt.Sprintf("%s is %v, was %v", path, got, want))
		}
		return lost
	}
	now, _ := got.(map[string]any)
	for name, value := range fields {
		lost = append(lost, lostIn(value, now[name], path+"."+name)...)
	}
	return lost
}

func storeIsKnown(t *testing.T, cluster *harness.Cluster) {
	log, err := os.ReadFile(cluster.Server.LogPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"StoreReplaced", "observes only", "--accept-store", "panic"} {
		if strings.Contains(string(log), bad) {
			t.Errorf("the log has %q", bad)
		}
	}
	text := scrape(t, cluster)
	if !strings.Contains(text, "dittofs_store_observe_only 0") {
		t.Error("the server does not say that it acts")
	}
}

// templatesAreHeld says that what today's renderer would do otherwise waits (rule: a new release restarts nobody), and that
// whoever waits says so.
func templatesAreHeld(t *testing.T, cluster *harness.Cluster, servers []dittofsv1alpha1.DittoServer, before map[string]harness.Parts) {
	held := 0
	for _, old := range servers {
		subject := cluster.Subject(namespace, old.Name)
		set := subject.StatefulSet(t)
		if replicas := *set.Spec.Replicas; replicas > 0 && set.Status.CurrentRevision != set.Status.UpdateRevision {
			t.Errorf("%s: its pod is of revision %s, and %s is to come", old.Name, set.Status.CurrentRevision, set.Status.UpdateRevision)
		}
		if was := before[old.Name]["statefulsets/"+old.Name]; was.Generation != set.Generation {
			t.Errorf("%s: the spec of its StatefulSet was written: generation %d, was %d", old.Name, set.Generation, was.Generation)
		}
		progressing := meta.FindStatusCondition(subject.Get(t).Status.Conditions, dittofsv1alpha1.ConditionProgressing)
		if progressing != nil && progressing.Reason == "RolloutPending" && strings.Contains(progressing.Message, "This release of dittofs-apiserver") {
			held++
			t.Logf("%s: %s", old.Name, progressing.Message)
		}
	}
	t.Logf("%d of %d servers are rendered otherwise by this release, and held", held, len(servers))
}

func readyAsBefore(t *testing.T, cluster *harness.Cluster, servers []dittofsv1alpha1.DittoServer) {
	for _, old := range servers {
		was := meta.FindStatusCondition(old.Status.Conditions, dittofsv1alpha1.ConditionReady)
		if was == nil {
			t.Errorf("%s had no condition Ready", old.Name)
			continue
		}
		harness.Eventually(t, old.Name+" is as ready as it was", func(ctx context.Context) error {
			server, err := cluster.Subject(namespace, old.Name).Find(ctx)
			if err != nil {
				return err
			}
			now := meta.FindStatusCondition(server.Status.Conditions, dittofsv1alpha1.ConditionReady)
			if now != nil && (now.Status == metav1.ConditionTrue || now.Status == was.Status) {
				return nil
			}
			return fmt.Errorf("it was %s, and now %s", harness.DescribeConditions(old.Status.Conditions), harness.DescribeConditions(server.Status.Conditions))
		})
	}
}

// changedOnce changes what the process reads. What was held goes along, in the same restart.
func changedOnce(t *testing.T, cluster *harness.Cluster) {
	subject := cluster.Subject(namespace, "files")
	old := subject.Pod(t)
	subject.Patch(t, `{"spec":{"logging":{"level":"DEBUG"}}}`)
	pod := subject.AwaitNewPod(t, old)
	subject.AwaitReady(t)
	settle(t, cluster)
	if again := subject.Pod(t); again.UID != pod.UID {
		t.Error("the pod was restarted twice")
	}
}
