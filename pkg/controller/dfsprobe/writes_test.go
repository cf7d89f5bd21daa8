// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// A server that is deleted, or of another namespace, is not even asked: TestWhoIsNotAsked.
func TestNoWriteWhile(t *testing.T) {
	tests := []struct {
		name    string
		change  func(f *fixture)
		message string
	}{
		{"the server is paused", func(f *fixture) { f.server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Paused = true }) }, "spec.paused is true"},
		{"the store is only observed", func(f *fixture) { f.observe = true }, "only observed: a test"},
		{"the identity is in doubt", func(f *fixture) {
			f.allowed = func(name types.NamespacedName) (bool, string) {
				return false, fmt.Sprintf("the claim of %s is another one", name.Name)
			}
		}, "the claim of files is another one"},
		{"the database is another one than the status says", func(f *fixture) {
			f.server(func(s *dittofsv1alpha1.DittoServer) { s.Status.MachineSID = otherSID })
		}, "another database (machine SID S-1-5-21-1-2-3) than it had (S-1-5-21-4-5-6)"},
		{"the database has no identity", func(f *fixture) { f.dfs.settings["machine_sid"] = "" }, "no machine SID"},
		{"dfs does not reach its database", func(f *fixture) { f.dfs.database = "unreachable" }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.dfs.shares = []string{"/a", "/gone"}
			f.dfs.policies["/gone"] = map[string]any{"share": "/gone", "enabled": true, "interval": "1h0m0s"}
			f.dfs.providers["ldap"] = map[string]any{"enabled": true, "bind_password": "x"}
			f.dfs.settings[noteKey] = `{"ldap":{}}`
			f.secret("bind", map[string]string{"password": "pw"})
			f.server(func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.SnapshotPolicies = []dittofsv1alpha1.SnapshotPolicy{policy("a", "1h")}
				s.Spec.Identity.Kerberos = &dittofsv1alpha1.KerberosSpec{Enabled: true, ServicePrincipal: "nfs/a@B"}
				s.Status.SnapshotPolicies = []dittofsv1alpha1.SnapshotPolicyStatus{{Share: "gone", Applied: true}}
			})
			tt.change(f)
			var o Observation
			for range 12 {
				o = f.later()
			}
			if writes := f.dfs.writes(); len(writes) != 0 {
				t.Fatalf("the writes were %v", writes)
			}
			for _, p := range o.Policies {
				if p.Applied || !strings.Contains(p.Message, tt.message) {
					t.Errorf("observed %+v", p)
				}
			}
			// Mended, all of it is carried out at once.
			f.observe, f.allowed = false, func(types.NamespacedName) (bool, string) { return true, "" }
			f.dfs.set(func(d *fakeDFS) { d.database, d.settings["machine_sid"] = "reachable", firstSID })
			f.server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Paused, s.Status.MachineSID = false, firstSID })
			f.probe()
			f.later()
			if f.dfs.policies["/a"] == nil || f.dfs.policies["/gone"]["enabled"] != false || f.dfs.providers["ldap"]["enabled"] != false {
				t.Errorf("dfs has %v %v", f.dfs.policies, f.dfs.providers)
			}
		})
	}
}

func TestTheIdentityIsAskedOncePerProcess(t *testing.T) {
	f := newFixture(t)
	o, _ := f.probe()
	if o.MachineSID != firstSID {
		t.Errorf("observed %q", o.MachineSID)
	}
	f.dfs.set(func(d *fakeDFS) { d.settings["machine_sid"] = otherSID })
	if o = f.later(); o.MachineSID != firstSID {
		t.Errorf("asked again within the same process: %q", o.MachineSID)
	}
	f.server(func(s *dittofsv1alpha1.DittoServer) { s.Status.MachineSID = firstSID })
	f.wants(policy("a", "1h"))
	f.dfs.take()
	f.dfs.set(func(d *fakeDFS) { d.started = d.started.Add(time.Minute); d.shares = []string{"/a"} })
	if o, _ = f.probe(); o.MachineSID != otherSID || len(f.dfs.writes()) != 0 || o.Policies[0].Reason != PolicyHeld {
		t.Errorf("a process that came up on another database was written to: %+v", o)
	}
	t.Run("and is unknown while a new process has not told it", func(t *testing.T) {
		f.dfs.set(func(d *fakeDFS) { d.started = d.started.Add(time.Minute); d.broken = "/api/v1/settings" })
		if o := f.later(); o.MachineSID != "" {
			t.Errorf("observed %q", o.MachineSID)
		}
	})
}
