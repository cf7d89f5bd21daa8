// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs_test

import (
	"path/filepath"
	"testing"
	"time"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
)

func TestASnapshotPolicyIsApplied(t *testing.T) {
	s := newServer(t)
	s.start()
	c := newCluster(s)
	c.edit(func(d *dittofsv1alpha1.DittoServer) {
		d.Spec.SnapshotPolicies = []dittofsv1alpha1.SnapshotPolicy{{Share: "projects", Interval: "@daily", TTL: "720h", NamePrefix: "nightly"}}
	})
	if o := c.probe(); len(o.Policies) != 1 || o.Policies[0].Reason != dfsprobe.PolicyShareNotFound {
		t.Fatalf("without the share: %+v", o.Policies)
	}
	s.ask("POST", "/store/metadata", map[string]any{"name": "m", "type": "memory"})
	s.ask("POST", "/store/block/local", map[string]any{"name": "l", "type": "fs", "config": `{"path":"` + filepath.Join(s.dir, "data/content") + `"}`})
	s.ask("POST", "/shares", map[string]any{"name": "projects", "metadata_store_id": "m", "local_block_store": "l"})
	c.edit(func(d *dittofsv1alpha1.DittoServer) { d.Spec.SnapshotPolicies[0].NamePrefix = "night" }) // calls for a round at once
	if o := c.probe(); !o.Policies[0].Applied {
		t.Fatalf("with the share: %+v", o.Policies)
	}
	live := func() (enabled bool, interval, ttl time.Duration, updated string) {
		t.Helper()
		policies, err := s.client().SnapshotPolicies(t.Context())
		if err != nil || len(policies) != 1 {
			t.Fatalf("dfs has %+v %v", policies, err)
		}
		return policies[0].Enabled, policies[0].Interval, policies[0].TTL, policies[0].NamePrefix
	}
	if enabled, interval, ttl, prefix := live(); !enabled || interval != 24*time.Hour || ttl != 720*time.Hour || prefix != "night" {
		t.Errorf("dfs has %v %v %v %v", enabled, interval, ttl, prefix)
	}
	s.ask("POST", "/shares/projects/snapshot-policy/run", nil)
	c.edit(func(d *dittofsv1alpha1.DittoServer) { d.Spec.SnapshotPolicies[0].Interval = "24h" })
	if o := c.probe(); !o.Policies[0].Applied || o.Policies[0].LastRun == nil {
		t.Errorf("after a run: %+v", o.Policies[0])
	}
	c.edit(func(d *dittofsv1alpha1.DittoServer) { d.Spec.SnapshotPolicies = nil })
	if o := c.probe(); len(o.Policies) != 0 {
		t.Errorf("gone from the spec: %+v", o.Policies)
	}
	if enabled, interval, _, _ := live(); enabled || interval != 24*time.Hour {
		t.Error("gone from the spec it is still on")
	}
}
