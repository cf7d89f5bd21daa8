// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package classusage

import (
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

func TestNothingIsLeftOfARecordInMemory(t *testing.T) {
	w := newWorld(nil)
	m := newMemory(func() time.Time { return w.now })
	l := &ledger{records: m, servers: &w.stored, now: m.now}
	limit := int32(1)
	expect(t, l, w.asks("a", "1Gi"), bounds{servers: &limit}, true)
	// Another namespace is written, long after the request about the first has ended.
	w.now = w.now.Add(time.Hour)
	other := w.asks("a", "1Gi")
	other.namespace = "other"
	expect(t, l, other, bounds{servers: &limit}, true)
	if len(m.kept) != 1 || m.kept["small/other"].record == nil {
		t.Errorf("kept are %v", m.kept)
	}
}

func TestNothingIsLeftOfARecordInEtcd(t *testing.T) {
	client := startEtcd(t)
	w := newWorld(nil)
	// Of etcd's own clock, so that the test need not wait for minutes.
	s := &shared{client: client, prefix: prefix, now: time.Now, kept: time.Second}
	l := &ledger{records: s, servers: &w.stored, now: time.Now}
	limit := int32(1)
	keys := func() int64 {
		response, err := client.Get(t.Context(), prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err != nil {
			t.Fatal(err)
		}
		return response.Count
	}
	asked := w.asks("a", "1Gi")
	asked.until = time.Now().Add(time.Second)
	expect(t, l, asked, bounds{servers: &limit}, true)
	first := s.lease
	later := asked
	later.class = "other"
	expect(t, l, later, bounds{servers: &limit}, true)
	if keys() != 2 || s.lease != first {
		t.Errorf("there are %d records, and the leases %d and %d", keys(), first, s.lease)
	}
	watch := client.Watch(t.Context(), prefix, clientv3.WithPrefix(), clientv3.WithFilterPut())
	for ended := 0; keys() > 0; {
		select {
		case response := <-watch:
			ended += len(response.Events)
		case <-time.After(time.Minute):
			t.Fatalf("%d records have ended, %d are left", ended, keys())
		}
	}
	// That the lease is gone is found out by the next write, which takes another.
	expect(t, l, claim{class: "small", uid: "uid", namespace: "team", server: "b", created: true, until: time.Now()}, bounds{servers: &limit}, true)
	if s.lease == first || keys() != 1 {
		t.Errorf("the lease is still %d, there are %d records", first, keys())
	}
}

func TestARecordOutlivesTheRequestsInIt(t *testing.T) {
	client := startEtcd(t)
	s := &shared{client: client, prefix: prefix, now: time.Now, kept: kept}
	w := newWorld(nil)
	l := &ledger{records: s, servers: &w.stored, now: time.Now}
	limit := int32(2)
	long := w.asks("a", "1Gi")
	long.until = time.Now().Add(2 * time.Hour)
	for _, asked := range []claim{w.asks("b", "1Gi"), long} {
		expect(t, l, asked, bounds{servers: &limit}, true)
	}
	response, err := client.TimeToLive(t.Context(), s.lease, clientv3.WithAttachedKeys())
	if err != nil || response.TTL < int64((2*time.Hour).Seconds()) || len(response.Keys) != 1 {
		t.Errorf("the lease has %v: %v", response, err)
	}
}
