// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

// putShare makes a share and the stores that it needs.
func (w *world) putShare(name string) {
	w.t.Helper()
	for path, body := range map[string]any{
		"/store/metadata":    map[string]any{"name": "m", "type": "memory"},
		"/store/block/local": map[string]any{"name": "l", "type": "fs", "config": `{"path":"/data/l"}`},
	} {
		w.ask(http.MethodPost, "/api/v1"+path, w.admin(), body)
	}
	if r := w.ask(http.MethodPost, "/api/v1/shares", w.admin(), map[string]any{"name": name, "metadata_store_id": "m", "local_block_store": "l"}); r.code != 201 {
		w.t.Fatalf("share %s: %d %s", name, r.code, r.body)
	}
}

// The words below were seen from a DittoFS v0.29.0 server.
func TestPoliciesAreRefusedInTheWordsOfDittoFS(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	w.putShare("a")
	tests := []struct {
		name, share string
		body        any
		code        int
		detail      string
	}{
		{"no share", "x", map[string]any{"interval": "24h"}, 404, "share not found"},
		{"an interval that is none, before the share is looked for", "x", map[string]any{"interval": "24x"}, 400,
			`invalid interval: schedule: invalid interval "24x": time: unknown unit "x" in duration "24x"`},
		{"a negative interval", "a", map[string]any{"interval": "-1h"}, 400, `invalid interval: schedule: interval must be positive, got "-1h"`},
		{"a shorthand that is none", "a", map[string]any{"interval": "@yearly"}, 400, `invalid interval: schedule: unknown shorthand "@yearly" (want @hourly, @daily, @weekly)`},
		{"no body", "a", nil, 400, "invalid interval: schedule: empty interval"},
		{"a body that is no JSON", "a", "nojson", 400, "invalid request body: invalid character 'o' in literal null (expecting 'u')"},
		{"a prefix with a space", "a", map[string]any{"interval": "1h", "name_prefix": "a b"}, 400, "invalid name_prefix: must match ^[A-Za-z0-9_-]{0,64}$"},
		{"a negative ttl", "a", map[string]any{"interval": "1h", "ttl": "-1h"}, 400, "invalid ttl: must be >= 0"},
		{"a negative number", "a", map[string]any{"interval": "1h", "keep_last": -1}, 400, "keep_last must be >= 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := w.ask(http.MethodPut, "/api/v1/shares/"+tt.share+"/snapshot-policy", w.admin(), tt.body)
			if r.code != tt.code || r.object["detail"] != tt.detail {
				t.Errorf("%d %s", r.code, r.body)
			}
		})
	}
}

func TestAPolicyRemembersItsLastRun(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	w.putShare("a")
	c := w.dfs(testSecret)
	run := func() response { return w.ask(http.MethodPost, "/api/v1/shares/a/snapshot-policy/run", w.admin(), nil) }
	if r := run(); r.code != 404 || r.object["detail"] != "snapshot policy not found" {
		t.Errorf("without a policy: %d %s", r.code, r.body)
	}
	if r := w.ask(http.MethodPut, "/api/v1/shares/a/snapshot-policy", w.admin(), map[string]any{"interval": " @Daily "}); r.object["interval"] != "24h0m0s" {
		t.Errorf("%d %s", r.code, r.body)
	}
	if r := run(); r.code != 202 || !strings.HasPrefix(r.header.Get("Location"), "/api/v1/shares/%2Fa/snapshots/") {
		t.Errorf("%d %v", r.code, r.header)
	}
	if err := c.PutSnapshotPolicy(t.Context(), dfs.SnapshotPolicy{Share: "a", Interval: time.Hour, Enabled: true}); err != nil {
		t.Fatal(err)
	}
	got, err := c.SnapshotPolicies(t.Context())
	if err != nil || len(got) != 1 || got[0].LastRunAt == nil || !got[0].LastRunAt.Equal(w.clock()) {
		t.Errorf("a changed policy forgot its last run: %+v %v", got, err)
	}
}

func TestKerberosNeedsItsFiles(t *testing.T) {
	const on = "kerberos: {enabled: true, service_principal: nfs/a@EXAMPLE.COM, keytab_path: /kerberos/dittofs.keytab, krb5_conf: /kerberos/krb5.conf}\n"
	w := newWorld(t)
	w.putTLS("keytab", map[string]string{"dittofs.keytab": "k", "krb5.conf": "c"})
	w.putConfig(testConfig + strings.Replace(on, ", krb5_conf: /kerberos/krb5.conf", "", 1))
	if got := w.run(secretAt(demoPod("u1"), "keytab", "/kerberos"), StateFailed); !strings.Contains(got.Reason, "/etc/krb5.conf") {
		t.Errorf("without krb5.conf: %q", got.Reason)
	}
	w.putConfig(testConfig + on)
	w.run(secretAt(demoPod("u2"), "keytab", "/kerberos"), StateRunning)
	got, err := w.dfs(testSecret).IdentityProvider(t.Context(), dfs.ProviderKerberos)
	if err != nil || got["realm"] != "EXAMPLE.COM" || got["dns_domain"] != "example.com" || got["max_clock_skew"] != "5m0s" {
		t.Errorf("seeded with %v %v", got, err)
	}
	w.putConfig(testConfig)
	if got := w.run(demoPod("u3"), StateFailed); !strings.Contains(got.Reason, "dittofs.keytab") {
		t.Errorf("the keytab went before Kerberos was switched off: %q", got.Reason)
	}
}

func TestProvidersAreTestedWithoutBeingStored(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	r := w.ask(http.MethodPost, "/api/v1/identity-providers/ldap/test", w.admin(), map[string]any{"enabled": true})
	if r.code != 200 || r.object["ok"] != false || r.object["stage"] != "validate" {
		t.Errorf("%d %s", r.code, r.body)
	}
	if _, err := w.dfs(testSecret).IdentityProvider(t.Context(), dfs.ProviderLDAP); !dfs.IsNotFound(err) {
		t.Errorf("got %v", err)
	}
}
