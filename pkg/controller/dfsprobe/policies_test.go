// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// wants replaces the policies of the spec.
func (f *fixture) wants(policies ...dittofsv1alpha1.SnapshotPolicy) {
	f.t.Helper()
	f.server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.SnapshotPolicies = policies })
}

// reports writes the results into the status, as the controller of the servers does.
func (f *fixture) reports(o Observation) {
	f.t.Helper()
	f.server(func(s *dittofsv1alpha1.DittoServer) {
		s.Status.SnapshotPolicies = nil
		for _, p := range o.Policies {
			s.Status.SnapshotPolicies = append(s.Status.SnapshotPolicies, dittofsv1alpha1.SnapshotPolicyStatus{Share: p.Share, Applied: p.Applied, Reason: p.Reason})
		}
	})
}

func policy(share, interval string) dittofsv1alpha1.SnapshotPolicy {
	return dittofsv1alpha1.SnapshotPolicy{Share: share, Interval: interval}
}

const putA = "PUT /api/v1/shares/a/snapshot-policy"

func TestPoliciesAreAppliedOnceAndOnlyWhenDifferent(t *testing.T) {
	f := newFixture(t)
	f.dfs.shares = []string{"/a", "/b", "/c"}
	f.dfs.policies["/c"] = map[string]any{"share": "/c", "enabled": true, "interval": "24h0m0s", "keep_last": 0.0}
	f.dfs.policies["/other"] = map[string]any{"share": "/other", "enabled": true, "interval": "1h0m0s"}
	a := policy("a", "@daily")
	a.KeepLast, a.TTL, a.NamePrefix = ptr.To[int32](7), "720h", "nightly"
	b := policy("//b", "90m")
	b.Enabled = ptr.To(false)
	f.wants(a, b, policy("/c", "24h"))
	o, _ := f.probe()
	if writes := f.dfs.writes(); !slices.Equal(writes, []string{putA, "PUT /api/v1/shares/b/snapshot-policy"}) {
		t.Errorf("the writes were %v", writes)
	}
	if len(o.Policies) != 3 || !o.Policies[0].Applied || !o.Policies[1].Applied || !o.Policies[2].Applied || o.Policies[1].Share != "//b" {
		t.Errorf("observed %+v", o.Policies)
	}
	got := f.dfs.policies["/a"]
	if got["interval"] != "24h0m0s" || got["keep_last"] != 7.0 || got["ttl"] != "720h0m0s" || got["name_prefix"] != "nightly" || f.dfs.policies["/b"]["enabled"] != false {
		t.Errorf("dfs has %v", f.dfs.policies)
	}
	t.Run("and left alone from then on, by a new controller too", func(t *testing.T) {
		f.later()
		f.restartController()
		if f.later(); len(f.dfs.writes()) != 0 {
			t.Error("something was written")
		}
	})
	t.Run("and again when somebody changed them", func(t *testing.T) {
		f.dfs.set(func(d *fakeDFS) { d.policies["/a"]["keep_last"] = 1.0 })
		if f.later(); !slices.Equal(f.dfs.writes(), []string{putA}) {
			t.Error("the change of somebody else stayed")
		}
	})
	t.Run("and their last run is told", func(t *testing.T) {
		ran := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
		f.dfs.set(func(d *fakeDFS) { d.policies["/a"]["last_run_at"] = ran })
		o := f.later()
		if o.Policies[0].LastRun == nil || !o.Policies[0].LastRun.Equal(ran) || len(f.dfs.writes()) != 0 {
			t.Errorf("observed %+v", o.Policies[0])
		}
	})
	t.Run("and at once when the spec changed", func(t *testing.T) {
		f.wants(policy("a", "1h"))
		if o, _ := f.probe(); !o.Policies[0].Applied || f.dfs.policies["/a"]["interval"] != "1h0m0s" {
			t.Errorf("observed %+v", o.Policies)
		}
	})
}

func TestAPolicyThatIsNotAppliedSaysWhyAndIsTriedAgain(t *testing.T) {
	tests := []struct {
		name            string
		policy          dittofsv1alpha1.SnapshotPolicy
		spoil           func(d *fakeDFS)
		reason, message string
		mend            func(d *fakeDFS)
	}{
		{"because there is no share", policy("late", "1h"), nil, PolicyShareNotFound, "There is no share /late",
			func(d *fakeDFS) { d.shares = append(d.shares, "/late") }},
		{"because dfs fails", policy("a", "1h"), func(d *fakeDFS) { d.broken = "/api/v1/shares" }, PolicyUnreachable, "status 500",
			func(d *fakeDFS) { d.broken = "" }},
		{"because dfs does not list", policy("a", "1h"), func(d *fakeDFS) { d.broken = "/api/v1/snapshot-policies" }, PolicyUnreachable, "status 500",
			func(d *fakeDFS) { d.broken = "" }},
		{"because dfs refuses it", dittofsv1alpha1.SnapshotPolicy{Share: "a", Interval: "1h", NamePrefix: "dfs says no"}, nil, PolicyRefused,
			"dfs refuses it: invalid name_prefix", nil},
		{"because it makes no sense", policy("a", "sometimes"), nil, PolicyRefused, `The interval "sometimes" is no`, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.dfs.shares = []string{"/a"}
			if tt.spoil != nil {
				tt.spoil(f.dfs)
			}
			f.wants(tt.policy)
			var wait, elapsed time.Duration
			tries, rounds := 0, 0
			for elapsed < 10*time.Minute {
				var o Observation
				o, wait = f.probe()
				rounds++
				tries += len(f.dfs.writes())
				if got := o.Policies[0]; got.Applied || got.Reason != tt.reason || !strings.Contains(got.Message, tt.message) {
					t.Fatalf("observed %+v", got)
				}
				if o.Failure != "" || !o.FailingSince.IsZero() || o.Token != TokenAccepted {
					t.Fatalf("the server itself is blamed: %+v", o)
				}
				elapsed += wait
				f.clock.Step(wait)
			}
			if rounds > 32 || tries > 9 {
				t.Errorf("%d rounds and %d tries in 10 minutes", rounds, tries)
			}
			if tt.mend == nil {
				return
			}
			f.dfs.set(tt.mend)
			for range 12 {
				if o := f.later(); o.Policies[0].Applied {
					return
				}
			}
			t.Error("it is never tried again")
		})
	}
}

func TestTwoPoliciesForOneShareDoNotFight(t *testing.T) {
	f := newFixture(t)
	f.dfs.shares = []string{"/a"}
	f.wants(policy("a", "1h"), policy("/a", "2h"))
	o, _ := f.probe()
	if !o.Policies[0].Applied || o.Policies[1].Reason != PolicyRefused || len(f.dfs.writes()) != 1 {
		t.Errorf("observed %+v", o.Policies)
	}
}

func TestASilentServerIsNotToldEveryPolicy(t *testing.T) {
	f := newFixture(t)
	f.p.Dial = DialPod(20 * time.Millisecond)
	f.dfs.hang = "/api/v1/shares"
	f.wants(policy("a", "1h"), policy("b", "1h"), policy("c", "1h"))
	o, _ := f.probe()
	if writes := f.dfs.writes(); len(writes) != 1 {
		t.Errorf("the writes were %v", writes)
	}
	for _, p := range o.Policies {
		if p.Reason != PolicyUnreachable || p.Message != "No answer in time." {
			t.Errorf("observed %+v", p)
		}
	}
}

func TestAPolicyThatLeftTheSpecIsSwitchedOff(t *testing.T) {
	prepare := func(t *testing.T) *fixture {
		f := newFixture(t)
		f.dfs.shares = []string{"/a", "/b"}
		f.dfs.policies["/b"] = map[string]any{"share": "/b", "enabled": true, "interval": "1h0m0s"}
		f.wants(policy("a", "1h"))
		o, _ := f.probe()
		f.reports(o)
		f.probe()
		f.dfs.take()
		return f
	}
	t.Run("and keeps its schedule; those of others stay on", func(t *testing.T) {
		f := prepare(t)
		f.wants()
		o, _ := f.probe()
		if f.dfs.policies["/a"]["enabled"] != false || f.dfs.policies["/a"]["interval"] != "1h0m0s" || f.dfs.policies["/b"]["enabled"] != true {
			t.Errorf("dfs has %v", f.dfs.policies)
		}
		if o.Policies == nil || len(o.Policies) != 0 {
			t.Errorf("observed %+v", o.Policies)
		}
		f.reports(o)
		f.dfs.set(func(d *fakeDFS) { d.policies["/a"]["enabled"] = true })
		if f.later(); len(f.dfs.writes()) != 1 {
			t.Error("switched on by an administrator, it was switched off again")
		}
	})
	t.Run("by a controller that only has the status", func(t *testing.T) {
		f := prepare(t)
		f.restartController()
		f.wants()
		if f.probe(); f.dfs.policies["/a"]["enabled"] != false {
			t.Error("it is still on")
		}
	})
	t.Run("even if the status never named it", func(t *testing.T) {
		f := prepare(t)
		f.reports(Observation{})
		f.wants()
		if f.probe(); f.dfs.policies["/a"]["enabled"] != false {
			t.Error("it is still on")
		}
	})
	t.Run("later, when dfs fails now, and is named until then", func(t *testing.T) {
		f := prepare(t)
		f.dfs.set(func(d *fakeDFS) { d.broken = "/api/v1/shares" })
		f.wants()
		o, _ := f.probe()
		if len(o.Policies) != 1 || o.Policies[0].Reason != PolicyUnreachable || !strings.Contains(o.Policies[0].Message, "left the spec") {
			t.Fatalf("observed %+v", o.Policies)
		}
		f.reports(o)
		f.dfs.set(func(d *fakeDFS) { d.broken = "" })
		if o = f.later(); len(o.Policies) != 0 || f.dfs.policies["/a"]["enabled"] != false {
			t.Errorf("observed %+v", o.Policies)
		}
	})
	t.Run("but not one that dfs never had from us", func(t *testing.T) {
		f := prepare(t)
		f.reports(Observation{Policies: []PolicyResult{{Share: "b", Reason: PolicyShareNotFound}}})
		if f.later(); len(f.dfs.writes()) != 0 || f.dfs.policies["/b"]["enabled"] != true {
			t.Error("the policy of somebody else was changed")
		}
	})
}

func TestWhatCouldNotBeToldIsNotCalledApplied(t *testing.T) {
	f := newFixture(t)
	f.dfs.shares = []string{"/a", "/b"}
	f.wants(policy("a", "1h"), policy("b", "1h"))
	f.probe()
	f.dfs.set(func(d *fakeDFS) { d.broken = "/api/v1/adapters" })
	f.wants(policy("a", "1h"), policy("b", "2h"))
	o, _ := f.probe()
	if !o.Policies[0].Applied || o.Policies[1].Applied || o.Policies[1].Reason != PolicyUnreachable {
		t.Errorf("observed %+v", o.Policies)
	}
}
