// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

func TestHazard13AStoreThatWasFullTakesWritesAgainOnceItWasDefragmentedAndDisarmed(t *testing.T) {
	const quota = 8 << 20
	e, err := Start(t.Context(), Config{DataDir: t.TempDir(), QuotaBytes: quota})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	c := client(t, e)
	value := strings.Repeat("x", 512<<10)
	var refused error
	for i := range 100 {
		if _, refused = c.Put(t.Context(), fmt.Sprintf("key-%d", i), value); refused != nil {
			break
		}
	}
	if !errors.Is(refused, rpctypes.ErrNoSpace) {
		t.Fatalf("a store beyond its quota answers %v", refused)
	}
	members, err := Members(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	if m := members[0]; len(m.Alarms) != 1 || m.Alarms[0] != "NOSPACE" || m.Quota != quota || !m.Leader || m.Version == "" {
		t.Errorf("the member says %+v", m)
	}
	if _, err := DisarmNoSpace(t.Context(), c); err == nil || !strings.Contains(err.Error(), "raise the quota") {
		t.Errorf("disarming a store that is full gave %v", err)
	}
	// What an API server does when it compacts.
	if _, err := c.Txn(t.Context()).Then(clientv3.OpPut("compact_rev_key", "1")).Commit(); !errors.Is(err, rpctypes.ErrNoSpace) {
		t.Errorf("the compaction of an API server begins with a write, which gave %v", err)
	}
	// What an operator does.
	if _, err := c.Delete(t.Context(), "key-", clientv3.WithPrefix()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := Compact(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	var saved int64
	if err := Defragment(t.Context(), c, func(before, after Member) { saved += before.Size - after.Size }); err != nil {
		t.Fatal(err)
	}
	if saved < quota/2 {
		t.Errorf("the defragmentation gave %d bytes back", saved)
	}
	if _, err := c.Put(t.Context(), "key", "value"); !errors.Is(err, rpctypes.ErrNoSpace) {
		t.Errorf("before it is disarmed it answers %v", err)
	}
	if n, err := DisarmNoSpace(t.Context(), c); err != nil || n != 1 {
		t.Errorf("%d alarms were disarmed (%v)", n, err)
	}
	if _, err := c.Put(t.Context(), "key", "value"); err != nil {
		t.Errorf("afterwards a write gave %v", err)
	}
}
