// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAFreshStoreGetsAnIdentityThatTheHostRemembers(t *testing.T) {
	forgetStore(t)
	server := install(t, filepath.Join(t.TempDir(), "data"))
	first := mustRemember(t)
	if first.id == "" {
		t.Error("the store has no identity")
	}
	expectMetric(t, server, "dittofs_store_observe_only 0")
	create(t, cluster.Namespace(t), "files")
	last := stopRecorded(t, server)
	if last.id != first.id || last.revision <= first.revision {
		t.Errorf("the host remembers %+v after %+v", last, first)
	}

	start(t, server)
	if now := mustRemember(t); now != last {
		t.Errorf("after a restart the host remembers %+v, before %+v", now, last)
	}
	expectMetric(t, server, "dittofs_store_observe_only 0")
	if events := replacedEvents(t); len(events) != 0 {
		t.Errorf("the first store is said to replace another: %s", events[0].Message)
	}
}

func TestAnEmptyStoreInThePlaceOfAKnownOneServesAndSaysSo(t *testing.T) {
	forgetStore(t)
	server := install(t, filepath.Join(t.TempDir(), "data"))
	namespace := cluster.Namespace(t)
	create(t, namespace, "files")
	lost := stopRecorded(t, server)
	if err := server.WipeStore(); err != nil {
		t.Fatal(err)
	}
	before := versions(t, namespace)
	start(t, server)
	if now := mustRemember(t); now.id == lost.id || now.id == "" {
		t.Errorf("the host remembers %+v, which is the lost store", now)
	}
	expectMetric(t, server, "dittofs_store_observe_only 0")
	expectMetric(t, server, "dittofs_store_replaced_total 1")
	if n := len(replacedEvents(t)); n != 1 {
		t.Errorf("%d events StoreReplaced, want 1", n)
	}
	create(t, namespace, "another")
	after := versions(t, namespace)
	for name, version := range before {
		if after[name] != version {
			t.Errorf("%s had %s and has %q", name, version, after[name])
		}
	}
	// The second start finds nothing new.
	stop(t, server)
	start(t, server)
	if n := len(replacedEvents(t)); n != 1 {
		t.Errorf("%d events StoreReplaced after another restart, want 1", n)
	}
	if _, err := cluster.Admin.DittoServers(namespace).Get(t.Context(), "another", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}
