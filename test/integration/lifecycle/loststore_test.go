// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// Hazard 4 of aggregated servers: with an empty store behind our API, the garbage collector deletes whatever has an
// ownerReference to one of our kinds. Ours have none. This test waits until the collector has deleted an object that
// does have one, so that it had every chance to delete the others.
func TestHazard04NothingIsDeletedOrRestartedWhenTheStoreIsLost(t *testing.T) {
	s := sample(t, cluster.Namespace(t))
	s.awaitReady(t)
	lost := s.get(t)
	sentinels := cluster.Admin.Kube.CoreV1().ConfigMaps(s.namespace)
	_, err := sentinels.Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: "sentinel", OwnerReferences: []metav1.OwnerReference{{
			APIVersion: "dittofs.io/v1alpha1", Kind: "DittoServer", Name: lost.Name, UID: lost.UID,
		}},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	before := s.parts(t)

	start := stopServer(t)
	if err := cluster.Server.WipeStore(); err != nil {
		t.Fatal(err)
	}
	start()
	if list, err := cluster.Admin.DittoServers(metav1.NamespaceAll).List(t.Context(), metav1.ListOptions{}); err != nil || len(list.Items) != 0 {
		t.Fatalf("the store is not empty: %d DittoServers, %v", len(list.Items), err)
	}
	harness.Eventually(t, "the garbage collector deletes what belongs to the lost DittoServer", func(ctx context.Context) error {
		_, err := sentinels.Get(ctx, "sentinel", metav1.GetOptions{})
		return gone(err)
	})
	awaitControllers(t)
	before.expectUntouched(t, s)
	expectStoreReplacedIsTold(t)

	s = sample(t, s.namespace)
	s.awaitReady(t)
	if s.get(t).UID == lost.UID {
		t.Error("the DittoServer is the old one")
	}
	before.expectSame(t, s)
	s.expectAdopted(t)
	// And it is managed as before.
	s.patch(t, `{"spec":{"service":{"annotations":{"example.com/after":"loss"}}}}`)
	s.awaitReady(t)
	if got := s.service(t).Annotations["example.com/after"]; got != "loss" {
		t.Error("an edit of the adopted server does not reach its Service")
	}
	before.expectSame(t, s)
}

func expectStoreReplacedIsTold(t *testing.T) {
	t.Helper()
	if !slices.ContainsFunc(events(t, "dittofs-system"), func(e corev1.Event) bool {
		return e.Reason == "StoreReplaced" && e.Type == corev1.EventTypeWarning && strings.Contains(e.Message, "apply your DittoServers again")
	}) {
		t.Error("no event StoreReplaced")
	}
	if !strings.Contains(metricsOf(t), "dittofs_store_replaced_total 1") {
		t.Error("the metric dittofs_store_replaced_total is not 1")
	}
	if !strings.Contains(serverLog(t), "StoreReplaced") {
		t.Error("the log does not say StoreReplaced")
	}
}

// metricsOf reads the metrics of our server itself, which every start begins anew.
func metricsOf(t *testing.T) string {
	t.Helper()
	text, err := measure.Scrape(t.Context(), cluster.Server.DirectConfig())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
