// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

const nfsSettings = "GET /api/v1/adapters/nfs/settings"

func TestAdaptersAreSeenAsTheyAre(t *testing.T) {
	const twoAdapters = `[{"type":"nfs","enabled":true,"running":true,"port":12049,"status":{"status":"healthy"}},
		{"type":"smb","enabled":false,"running":false,"port":1445,"status":{"status":"disabled"}}]`
	tests := []struct {
		name          string
		adapters, nfs string
		want          []Adapter
		enabled       int
	}{
		{"one that is switched off is listed and does not serve", twoAdapters, `{"portmapper_port":10111}`, []Adapter{
			{Type: "nfs", Enabled: true, Serving: true, Port: 12049}, {Type: "smb", Port: 1445}}, 1},
		{"a portmapper and UDP come with NFS", twoAdapters, `{"portmapper_enabled":true,"portmapper_port":10111,"udp_enabled":true}`, []Adapter{
			{Type: "nfs", Enabled: true, Serving: true, Port: 12049, PortmapperPort: 10111, UDP: true}, {Type: "smb", Port: 1445}}, 1},
		{"a portmapper on an impossible port is none", twoAdapters, `{"portmapper_enabled":true,"portmapper_port":70000}`, []Adapter{
			{Type: "nfs", Enabled: true, Serving: true, Port: 12049}, {Type: "smb", Port: 1445}}, 1},
		{"one that only says running does not serve", `[{"type":"nfs","enabled":true,"running":true,"port":9,"status":{"status":"unknown"}}]`, `{}`,
			[]Adapter{{Type: "nfs", Enabled: true, Port: 9, Detail: "it says unknown"}}, 1},
		{"one that failed says why", `[{"type":"smb","enabled":true,"status":{"status":"unhealthy","message":"bind: address in use"}}]`, `{}`,
			[]Adapter{{Type: "smb", Enabled: true, Detail: "bind: address in use"}}, 1},
		{"an empty list is a list", `[]`, `{}`, []Adapter{}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.dfs.adapters, f.dfs.nfs = tt.adapters, tt.nfs
			o, _ := f.probe()
			if diff := cmp.Diff(tt.want, o.Adapters); diff != "" || !o.AdaptersKnown {
				t.Errorf("known %t: %s", o.AdaptersKnown, diff)
			}
			if got := len(o.EnabledAdapters()); got != tt.enabled {
				t.Errorf("%d are enabled", got)
			}
		})
	}
}

func TestSettingsOfNFSAreReadNoMoreOftenThanNeeded(t *testing.T) {
	f := newFixture(t)
	f.probe()
	f.dfs.take()
	reads := 0
	for range 30 {
		f.later()
		if slices.Contains(f.dfs.take(), nfsSettings) {
			reads++
		}
	}
	if reads != 3 {
		t.Errorf("read %d times in 30 rounds", reads)
	}
	t.Run("and at once when an adapter changed", func(t *testing.T) {
		f.dfs.set(func(d *fakeDFS) {
			d.adapters = `[{"type":"nfs","enabled":true,"running":true,"port":2049,"status":{"status":"healthy"}}]`
			d.nfs = `{"portmapper_enabled":true,"portmapper_port":111}`
		})
		o := f.later()
		if !slices.Contains(f.dfs.take(), nfsSettings) || o.Adapters[0].Port != 2049 || o.Adapters[0].PortmapperPort != 111 {
			t.Errorf("observed %+v", o.Adapters)
		}
	})
}

func TestAFailureKeepsTheAdaptersThatWereLastKnown(t *testing.T) {
	ports := `{"portmapper_enabled":true,"portmapper_port":10111,"udp_enabled":true}`
	tests := []struct {
		name   string
		change func(d *fakeDFS)
		known  bool
		failed bool
	}{
		{"of the list", func(d *fakeDFS) { d.broken = "/api/v1/adapters" }, true, true},
		{"of the settings", func(d *fakeDFS) {
			d.broken = "/api/v1/adapters/nfs"
			d.started = d.started.Add(time.Minute)
		}, true, false},
		{"of the token", func(d *fakeDFS) { d.secret = newSecret }, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.dfs.nfs = ports
			before, _ := f.probe()
			f.dfs.set(tt.change)
			o := f.later()
			if diff := cmp.Diff(before.Adapters, o.Adapters); diff != "" || o.AdaptersKnown != tt.known || (o.Failure != "") != tt.failed {
				t.Errorf("observed %+v: %s", o, diff)
			}
		})
	}
	t.Run("and nothing is told of NFS before its settings were read", func(t *testing.T) {
		f := newFixture(t)
		f.dfs.broken = "/api/v1/adapters/nfs"
		if o, _ := f.probe(); o.AdaptersKnown || o.Failure == "" {
			t.Errorf("observed %+v", o)
		}
	})
}

func TestThePollingIntervalIsFollowedWithoutARestart(t *testing.T) {
	f := newFixture(t)
	poll := func(interval string) time.Duration {
		f.server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.AdapterDiscovery.PollingInterval = interval })
		_, wait := f.probe()
		return wait
	}
	if wait := poll("1h"); wait < time.Hour {
		t.Fatalf("the next round is in %s", wait)
	}
	f.dfs.take()
	f.clock.Step(time.Minute)
	if wait := poll("5s"); wait < 5*time.Second || wait > 6*time.Second {
		t.Errorf("the next round is in %s", wait)
	}
	if calls := f.dfs.take(); !slices.Equal(calls, roundAfter) {
		t.Errorf("a minute is longer than the new interval, but the calls were %v", calls)
	}
	if wait := poll("soon"); wait > DefaultInterval*11/10 || wait < DefaultInterval/2 {
		t.Errorf("without a usable interval the next round is in %s", wait)
	}
	if calls := f.dfs.take(); len(calls) != 0 {
		t.Errorf("a longer interval called for %v", calls)
	}
}
