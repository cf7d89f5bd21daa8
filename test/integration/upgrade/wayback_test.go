// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package upgrade_test

import (
	"context"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// The way back needs the binary of the older build, which no repository has:
//
//	go test ./test/integration/upgrade -run WayBack -v -server=/path/to/older/dittofs-apiserver -recording=testdata/NAME
//
// It was run for the recording 2026-11-24; docs/upgrade.md says what came of it.
func TestTheWayBackToAnOlderBuildRestartsNobody(t *testing.T) {
	if *binary == "" {
		t.Skip("no -server")
	}
	cluster, before := upgraded(t, *recording)
	servers := recorded(t, *recording)
	awaitPasses(t, cluster, servers)
	// Written by today's build, with a field that the older one may not know.
	kubectl := cluster.Admin.Kubectl(namespace)
	kubectl.Stdin(`{apiVersion: dittofs.io/v1alpha1, kind: DittoServerClass, metadata: {name: standard}, spec: {}}`).Run(t, "apply", "-f", "-")
	kubectl.Stdin(`{apiVersion: dittofs.io/v1alpha1, kind: DittoServer, metadata: {name: later}, spec: {className: standard, storage: {metadataSize: 1Gi}}}`).Run(t, "apply", "-f", "-")
	later := cluster.Subject(namespace, "later")
	later.AwaitReady(t)
	settle(t, cluster)
	all := list(t, cluster)
	for _, server := range all {
		before[server.Name] = cluster.Subject(namespace, server.Name).Parts(t)
	}
	unmoved := func(t *testing.T) {
		settle(t, cluster)
		if now := list(t, cluster); len(now) != len(all) {
			t.Errorf("%d servers are served, want %d", len(now), len(all))
		}
		for name, parts := range before {
			parts.Only("pods/", "statefulsets/", "persistentvolumeclaims/").Compare(t,
				cluster.Subject(namespace, name).Parts(t).Only("pods/", "statefulsets/", "persistentvolumeclaims/"),
				func(m metav1.ObjectMeta) string {
					return fmt.Sprintf("UID %s, deleted at %v", m.UID, m.DeletionTimestamp)
				})
		}
		templatesAreHeld(t, cluster, all, before)
		readyAsBefore(t, cluster, all)
	}
	t.Run("back", func(t *testing.T) {
		cluster.ReinstallBuild(t, *binary)
		unmoved(t)
		t.Logf("className of the new server, by the older build: %q", ptr.Deref(later.Get(t).Spec.ClassName, ""))
		annotate(t, cluster, "files", "example.com/written-by", "the older build")
	})
	t.Run("and forth again", func(t *testing.T) {
		cluster.ReinstallBuild(t, "")
		harness.Eventually(t, "our API is served", func(ctx context.Context) error { _, err := later.Find(ctx); return err })
		unmoved(t)
		t.Logf("className of the new server, after the way back and forth: %q", ptr.Deref(later.Get(t).Spec.ClassName, ""))
	})
}
