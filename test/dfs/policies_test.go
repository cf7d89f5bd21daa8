// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"strings"
	"testing"
	"time"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// share makes one, with stores of its own: the data on the content volume, the names in memory.
func (s *server) share(name string) {
	s.t.Helper()
	s.ask("POST", "/store/metadata", map[string]any{"name": "meta-" + name, "type": "memory"})
	s.ask("POST", "/store/block/local", map[string]any{"name": "local-" + name, "type": "fs", "config": `{"path":"` + render.ContentPath + `/` + name + `"}`})
	s.ask("POST", "/shares", map[string]any{"name": name, "metadata_store_id": "meta-" + name, "local_block_store": "local-" + name})
}

func TestASnapshotPolicyIsApplied(t *testing.T) {
	proves(t, "a snapshot policy: ShareNotFound, applied once the share is there, followed, switched off")
	s := newServer(t)
	s.start()
	c := newCluster(s)
	c.edit(func(d *dittofsv1alpha1.DittoServer) {
		d.Spec.SnapshotPolicies = []dittofsv1alpha1.SnapshotPolicy{{Share: "projects", Interval: "@daily", TTL: "720h", NamePrefix: "nightly"}}
	})
	if o := c.probe(); len(o.Policies) != 1 || o.Policies[0].Reason != dfsprobe.PolicyShareNotFound {
		t.Fatalf("without the share: %+v", o.Policies)
	}
	s.share("projects")
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

// Admission refuses most of these before; what comes through from an older object is reported in the words of dfs.
func TestARefusedPolicyIsReported(t *testing.T) {
	proves(t, "a policy that dfs refuses (400) is Refused with its words, and the others are applied all the same")
	s := newServer(t)
	s.start()
	s.share("good")
	s.share("bad")
	c := newCluster(s)
	c.edit(func(d *dittofsv1alpha1.DittoServer) {
		d.Spec.SnapshotPolicies = []dittofsv1alpha1.SnapshotPolicy{
			{Share: "bad", Interval: "1h", NamePrefix: "not/a prefix"}, {Share: "good", Interval: "1h"},
		}
	})
	o := c.probe()
	if len(o.Policies) != 2 {
		t.Fatalf("observed %+v", o.Policies)
	}
	if p := o.Policies[0]; p.Applied || p.Reason != dfsprobe.PolicyRefused || !strings.Contains(p.Message, "name_prefix") {
		t.Errorf("the bad one: %+v", p)
	}
	if p := o.Policies[1]; !p.Applied {
		t.Errorf("the good one: %+v", p)
	}
}

func TestHowDfsRefuses(t *testing.T) {
	proves(t, "the typed errors of pkg/dfs for 400, 404, 409 and 422, with the detail and the fields of dfs")
	s := newServer(t)
	s.start()
	s.share("a")
	policy := s.client().PutSnapshotPolicy(t.Context(), dfs.SnapshotPolicy{Share: "a", Interval: time.Hour, NamePrefix: "no/slash"})
	if !dfs.IsInvalid(policy) || !strings.Contains(policy.Error(), "name_prefix") {
		t.Errorf("a 400: %v", policy)
	}
	missing := s.client().PutSnapshotPolicy(t.Context(), dfs.SnapshotPolicy{Share: "nowhere", Interval: time.Hour})
	if !dfs.IsNotFound(missing) {
		t.Errorf("a 404: %v", missing)
	}
	again := s.try("POST", "/api/v1/shares", s.admin(), map[string]any{"name": "a", "metadata_store_id": "meta-a", "local_block_store": "local-a"})
	if again.code != 409 || again.contentType != "application/problem+json" {
		t.Errorf("a 409: %+v", again)
	}
	settings := s.try("PATCH", "/api/v1/adapters/nfs/settings", s.admin(), map[string]any{"lease_time": 1})
	fields, _ := settings.object["errors"].(map[string]any)
	if settings.code != 422 || fields["lease_time"] == nil {
		t.Errorf("a 422: %+v", settings)
	}
}
