// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestFieldsSelectServersByAnIndex(t *testing.T) {
	namespace, other := cluster.Namespace(t), cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	// An image of this test alone, and servers of another namespace under the same keys of the index.
	image := "example/" + namespace + ":v1"
	for _, place := range []string{namespace, other} {
		cluster.CreateDittoServer(t, place, "fast", func(s *dittofsv1alpha1.DittoServer) {
			s.Spec.Image, s.Spec.Storage.StorageClassName = image, ptr.To("standard")
		})
		cluster.CreateDittoServer(t, place, "plain", func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = image })
		setStatus(t, place, "plain", func(status *dittofsv1alpha1.DittoServerStatus) { status.Phase = dittofsv1alpha1.PhaseStopped })
	}
	cases := []struct {
		selector, index string
		want            []string
	}{
		{"status.phase=Stopped", "f:status.phase", []string{"plain"}},
		{"status.phase=Pending", "f:status.phase", []string{"fast"}},
		{"status.phase!=Stopped", "", []string{"fast"}},
		{"spec.image=" + image, "f:spec.image", []string{"fast", "plain"}},
		{"spec.image=" + image + ",status.phase=Stopped", "f:status.phase", []string{"plain"}},
		{"spec.image=example/dfs:none", "f:spec.image", nil},
		{"spec.storage.storageClassName=standard", "f:spec.storage.storageClassName", []string{"fast"}},
		{"spec.storage.storageClassName=", "f:spec.storage.storageClassName", []string{"plain"}},
	}
	for _, c := range cases {
		t.Run(c.selector, func(t *testing.T) {
			before := listsByIndex(t, c.index)
			list, err := client.List(t.Context(), metav1.ListOptions{FieldSelector: c.selector})
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, server := range list.Items {
				names = append(names, server.Name)
			}
			if !slices.Equal(names, c.want) {
				t.Errorf("selected %v, want %v", names, c.want)
			}
			if after := listsByIndex(t, c.index); after != before+1 {
				t.Errorf("lists by the index %q: %v before, %v after", c.index, before, after)
			}
		})
	}
	_, err := client.List(t.Context(), metav1.ListOptions{FieldSelector: "spec.replicas=1"})
	expectRefusal(t, err, 400, "spec.replicas", "metadata.name", "status.phase", "spec.image", "spec.storage.storageClassName")
}

// listsByIndex is how often the watch cache has answered a list of servers by this index.
func listsByIndex(t *testing.T, index string) float64 {
	t.Helper()
	metrics := get(t, direct(cluster.Admin), "/metrics", nil).body
	prefix := fmt.Sprintf(`apiserver_cache_list_total{group="dittofs.io",index=%q,resource="dittoservers"} `, index)
	for line := range strings.Lines(metrics) {
		if value, found := strings.CutPrefix(line, prefix); found {
			var count float64
			if _, err := fmt.Sscan(value, &count); err != nil {
				t.Fatal(err)
			}
			return count
		}
	}
	return 0
}

func TestAWatchByPhaseTellsOfThosePhasesOnly(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	server := cluster.CreateDittoServer(t, namespace, "files")
	watcher, err := client.Watch(t.Context(), metav1.ListOptions{ResourceVersion: server.ResourceVersion, FieldSelector: "status.phase=Running"})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Stop()
	phase := func(phase dittofsv1alpha1.DittoServerPhase) {
		setStatus(t, namespace, "files", func(status *dittofsv1alpha1.DittoServerStatus) { status.Phase = phase })
	}
	phase(dittofsv1alpha1.PhaseFailed)
	phase(dittofsv1alpha1.PhaseRunning)
	if _, err := client.Patch(t.Context(), "files", types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	phase(dittofsv1alpha1.PhaseStopped)
	phase(dittofsv1alpha1.PhaseRunning)
	if err := client.Delete(t.Context(), "files", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	removeFinalizers(t, namespace, "files")
	for _, want := range []string{"ADDED files", "MODIFIED files", "DELETED files", "ADDED files", "DELETED files"} {
		if got := describe(t, next(t, watcher)); got != want {
			t.Fatalf("event %s, want %s", got, want)
		}
	}
}
