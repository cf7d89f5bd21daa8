// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

func TestAnImpossiblePortEndsTheServerForGood(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	r := w.ask("PUT", "/api/v1/adapters/smb", w.admin(), map[string]any{"port": 70000})
	if r.code != 500 || r.body != "" || r.contentType != "" {
		t.Errorf("%d %q %q", r.code, r.contentType, r.body)
	}
	adapters, err := w.dfs(testSecret).Adapters(t.Context())
	if err != nil || adapters[1].Port != 70000 || adapters[1].Running || adapters[1].Healthy() {
		t.Errorf("%+v %v", adapters, err)
	}
	if got := w.run(demoPod("u2"), StateFailed); !strings.Contains(got.Reason, "exit code 2: panic") {
		t.Errorf("reason %q", got.Reason)
	}
}

func TestAdapters(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	c := w.dfs(testSecret)
	adapter := func(name string) dfs.Adapter {
		t.Helper()
		all, err := c.Adapters(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			if a.Type == name {
				return a
			}
		}
		return dfs.Adapter{}
	}
	if a := adapter("smb"); a.Port != 1445 || !a.Enabled || !a.Healthy() {
		t.Errorf("smb of a new server: %+v", a)
	}
	t.Run("one that is switched off looks healthy for up to 5 s", func(t *testing.T) {
		no, yes := false, true
		if _, err := c.UpdateAdapter(t.Context(), "smb", &no, nil); err != nil {
			t.Fatal(err)
		}
		if a := adapter("smb"); a.Running || a.Status.Status != "healthy" || a.Healthy() {
			t.Errorf("at once: %+v", a)
		}
		w.advance(6 * time.Second)
		if a := adapter("smb"); a.Status.Status != "unknown" {
			t.Errorf("later: %+v", a)
		}
		if _, err := c.UpdateAdapter(t.Context(), "smb", &yes, nil); err != nil {
			t.Fatal(err)
		}
		w.advance(6 * time.Second)
	})
	t.Run("one whose port is taken runs and is not healthy", func(t *testing.T) {
		port := int32(12049)
		a, err := c.UpdateAdapter(t.Context(), "smb", nil, &port)
		if err != nil || !a.Running {
			t.Errorf("%+v %v", a, err)
		}
		w.advance(6 * time.Second)
		if a := adapter("smb"); !a.Running || a.Healthy() || a.Status.Message != "SMB adapter has not started yet" {
			t.Errorf("%+v", a)
		}
	})
	t.Run("one that is created disabled is enabled", func(t *testing.T) {
		if r := w.ask("POST", "/api/v1/adapters", w.admin(), map[string]any{"type": "smb"}); r.code != 409 {
			t.Errorf("%+v", r)
		}
		w.ask("DELETE", "/api/v1/adapters/smb", w.admin(), nil)
		if r := w.ask("POST", "/api/v1/adapters", w.admin(), map[string]any{"type": "smb", "port": 4450, "enabled": false}); r.code != 201 || r.object["enabled"] != true {
			t.Errorf("%+v", r)
		}
		if a := adapter("smb"); !a.Running || a.Port != 4450 {
			t.Errorf("%+v", a)
		}
	})
	t.Run("one of an unknown type is a server error", func(t *testing.T) {
		if r := w.ask("POST", "/api/v1/adapters", w.admin(), map[string]any{"type": "ftp"}); r.code != 500 || r.object["detail"] != "Failed to create adapter" {
			t.Errorf("%+v", r)
		}
	})
}

func TestAdapterSettings(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	const path = "/api/v1/adapters/nfs/settings"
	if r := w.ask("PATCH", path, w.admin(), map[string]any{"lease_time": 1}); r.code != 422 || r.object["title"] != "Validation Failed" ||
		r.object["errors"].(map[string]any)["lease_time"] != "must be between 10 and 3600" {
		t.Errorf("%+v", r)
	}
	if r := w.ask("PATCH", path+"?dry_run=true", w.admin(), map[string]any{"lease_time": 60}); r.code != 200 || r.object["lease_time"] != 60.0 {
		t.Errorf("dry run: %+v", r)
	}
	if r := w.ask("GET", path, w.admin(), nil); r.object["lease_time"] != 90.0 || r.object["version"] != 1.0 {
		t.Errorf("after a dry run: %+v", r.object)
	}
	if r := w.ask("PATCH", path, w.admin(), map[string]any{"lease_time": 60, "v4_max_minor_version": 1}); r.code != 200 || r.object["version"] != 2.0 {
		t.Errorf("%+v", r)
	}
	if r := w.ask("GET", path, w.admin(), nil); r.object["lease_time"] != 60.0 || r.object["v4_max_minor_version"] != 2.0 {
		t.Errorf("a setting that dfs never saves was saved, or another was not: %+v", r.object)
	}
	if r := w.ask("PATCH", path, w.admin(), map[string]any{"lease_time": "60"}); r.code != 400 {
		t.Errorf("%+v", r)
	}
	if r := w.ask("PUT", path, w.admin(), map[string]any{"lease_time": 60}); r.code != 422 {
		t.Errorf("a replacement that leaves out most: %+v", r)
	}
	if r := w.ask("POST", path+"/reset?setting=lease_time", w.admin(), nil); r.code != 200 || r.object["lease_time"] != 90.0 {
		t.Errorf("reset: %+v", r)
	}
}

func TestADeletedMachineSIDIsAnEmptyAnswerUntilTheNextStart(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	c := w.dfs(testSecret)
	before, err := c.MachineSID(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r := w.ask("DELETE", "/api/v1/settings/machine_sid", w.admin(), nil); r.code != 204 {
		t.Fatalf("%+v", r)
	}
	if _, err := c.MachineSID(t.Context()); !errors.Is(err, dfs.ErrNoMachineSID) {
		t.Errorf("got %v", err)
	}
	w.run(demoPod("u2"), StateRunning)
	if after, err := c.MachineSID(t.Context()); err != nil || after == before {
		t.Errorf("%q %v", after, err)
	}
}

func TestSharesAndPolicies(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	c := w.dfs(testSecret)
	steps := []struct {
		name, method, path string
		body               any
		code               int
	}{
		{"a config that is an object", "POST", "/store/metadata", map[string]any{"name": "m", "type": "badger", "config": map[string]string{"path": "/x"}}, 400},
		{"a config in a string", "POST", "/store/metadata", map[string]any{"name": "m", "type": "badger", "config": `{"path":"/data/m"}`}, 201},
		{"the same again meets the lock and no conflict", "POST", "/store/metadata", map[string]any{"name": "m", "type": "badger", "config": `{"path":"/data/m"}`}, 400},
		{"a local store of a remote type", "POST", "/store/block/local", map[string]any{"name": "l", "type": "s3"}, 400},
		{"a local store", "POST", "/store/block/local", map[string]any{"name": "l", "type": "fs", "config": `{"path":"/data/l"}`}, 201},
		{"a share on an unknown store", "POST", "/shares", map[string]any{"name": "a", "metadata_store_id": "x", "local_block_store": "l"}, 400},
		{"a size that is a number", "POST", "/shares", map[string]any{"name": "a", "metadata_store_id": "m", "local_block_store": "l", "quota_bytes": 5}, 400},
		{"a share", "POST", "/shares", map[string]any{"name": "a", "metadata_store_id": "m", "local_block_store": "l", "local_store_size": "5GiB"}, 201},
		{"the same share", "POST", "/shares", map[string]any{"name": "//a", "metadata_store_id": "m", "local_block_store": "l"}, 409},
		{"its escaped name", "GET", "/shares/%2Fa", nil, 200},
		{"a store in use", "DELETE", "/store/metadata/m", nil, 409},
		{"a policy without interval", "PUT", "/shares/a/snapshot-policy", map[string]any{}, 400},
		{"a policy with a bad prefix", "PUT", "/shares/a/snapshot-policy", map[string]any{"interval": "@daily", "name_prefix": "../x"}, 400},
	}
	for _, s := range steps {
		if r := w.ask(s.method, "/api/v1"+s.path, w.admin(), s.body); r.code != s.code {
			t.Errorf("%s: %d %s", s.name, r.code, r.body)
		}
	}
	if err := c.PutSnapshotPolicy(t.Context(), dfs.SnapshotPolicy{Share: "/gone", Interval: time.Hour}); !dfs.IsNotFound(err) {
		t.Errorf("a policy of no share: %v", err)
	}
	want := dfs.SnapshotPolicy{Share: "/a", Enabled: true, Interval: 24 * time.Hour, KeepLast: 3, TTL: 72 * time.Hour, NamePrefix: "p"}
	if err := c.PutSnapshotPolicy(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	got, err := c.SnapshotPolicies(t.Context())
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%+v %v", got, err)
	}
	if err := c.DeleteSnapshotPolicy(t.Context(), "/a"); err != nil {
		t.Error(err)
	}
	if err := c.DeleteSnapshotPolicy(t.Context(), "/a"); !dfs.IsNotFound(err) {
		t.Errorf("again: %v", err)
	}
	if r := w.ask("DELETE", "/api/v1/shares/a", w.admin(), nil); r.code != 204 {
		t.Errorf("%+v", r)
	}
}

func TestIdentityProvidersAreSeededOnce(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	c := w.dfs(testSecret)
	if _, err := c.IdentityProvider(t.Context(), dfs.ProviderLDAP); !dfs.IsNotFound(err) {
		t.Errorf("before: %v", err)
	}
	w.putConfig(testConfig + "ldap: {enabled: true, url: 'ldaps://one', base_dn: dc=x, bind_dn: cn=y, bind_password: hunter22}\n")
	w.run(demoPod("u2"), StateRunning)
	w.putConfig(testConfig + "ldap: {enabled: true, url: 'ldaps://two', base_dn: dc=x, bind_dn: cn=y, bind_password: hunter22}\n")
	w.run(demoPod("u3"), StateRunning)
	got, err := c.IdentityProvider(t.Context(), dfs.ProviderLDAP)
	if err != nil || got["url"] != "ldaps://one" || got["bind_password"] != dfs.MaskedSecret || !got.Enabled() {
		t.Errorf("%v %v", got, err)
	}
	got["url"] = "ldaps://two" // the masked password goes back and keeps the stored one
	if err := c.PutIdentityProvider(t.Context(), dfs.ProviderLDAP, got); err != nil {
		t.Errorf("put: %v", err)
	}
	got["url"] = "http://two"
	if err := c.PutIdentityProvider(t.Context(), dfs.ProviderLDAP, got); !dfs.IsInvalid(err) {
		t.Errorf("put: %v", err)
	}
	r := w.ask("PUT", "/api/v1/identity-providers/kerberos/config", w.admin(), map[string]any{"enabled": false})
	if r.code != 200 || r.header.Get("X-DittoFS-Apply") != "restart-required" {
		t.Errorf("%+v", r)
	}
}

func TestFaults(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	c := w.dfs(testSecret)
	set := func(body string) {
		t.Helper()
		if r := w.ask("POST", "/_standin/faults/team/demo", "", body); r.code != 200 {
			t.Fatalf("%+v", r)
		}
	}
	t.Run("down", func(t *testing.T) {
		set(`{"mode":"down"}`)
		if _, err := c.Health(t.Context()); !dfs.IsUnreachable(err) || dfs.IsTimeout(err) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("an empty 500 on one path only", func(t *testing.T) {
		set(`{"mode":"error500","path":"/api/v1/adapters"}`)
		if _, err := c.Adapters(t.Context()); err == nil || dfs.IsUnreachable(err) {
			t.Errorf("got %v", err)
		}
		if _, err := c.Health(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("a refusal on one path only", func(t *testing.T) {
		set(`{"mode":"refuse","status":403,"path":"/api/v1/adapters"}`)
		if _, err := c.Adapters(t.Context()); !dfs.IsForbidden(err) {
			t.Errorf("got %v", err)
		}
		if _, err := c.Health(t.Context()); err != nil {
			t.Error(err)
		}
	})
	t.Run("hang until it is cleared", func(t *testing.T) {
		set(`{"mode":"hang"}`)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := c.Health(ctx); !dfs.IsTimeout(err) {
			t.Errorf("got %v", err)
		}
		answered := make(chan error)
		go func() { _, err := c.Health(t.Context()); answered <- err }()
		if r := w.ask("DELETE", "/_standin/faults/team/demo", "", nil); r.code != 204 {
			t.Fatalf("%+v", r)
		}
		if err := <-answered; err != nil {
			t.Error(err)
		}
	})
	t.Run("slow", func(t *testing.T) {
		set(`{"mode":"slow","delay":"20ms"}`)
		start := time.Now()
		if _, err := c.Health(t.Context()); err != nil || time.Since(start) < 20*time.Millisecond {
			t.Errorf("%v after %s", err, time.Since(start))
		}
	})
	t.Run("a dead database shows after 5 s, in a 200", func(t *testing.T) {
		set(`{"mode":"database-down"}`)
		w.advance(6 * time.Second)
		if h, err := c.Health(t.Context()); err != nil || h.DatabaseReachable() || h.Status != "degraded" {
			t.Errorf("%+v %v", h, err)
		}
		if _, err := c.Ready(t.Context()); err != nil {
			t.Errorf("ready does not notice: %v", err)
		}
	})
	t.Run("an adapter that fails its check", func(t *testing.T) {
		set(`{"mode":"adapter-down","adapter":"nfs"}`)
		w.advance(6 * time.Second)
		if a, err := c.Adapters(t.Context()); err != nil || a[0].Healthy() || !a[1].Healthy() {
			t.Errorf("%+v %v", a, err)
		}
	})
	t.Run("a fault that does not exist is refused with those that do", func(t *testing.T) {
		if r := w.ask("POST", "/_standin/faults/team/demo", "", `{"mode":"meteor"}`); r.code != 400 || !strings.Contains(r.body, "error500") {
			t.Errorf("%+v", r)
		}
	})
}

func TestRequestsAreCounted(t *testing.T) {
	w := newWorld(t)
	_, _ = w.try("GET", "/health", "", nil)
	w.run(demoPod("u1"), StateRunning)
	for range 3 {
		w.ask("GET", "/health", "", nil)
	}
	w.ask("GET", "/api/v1/adapters", "", nil)
	got := map[RequestCount]bool{}
	for _, c := range w.server.Requests(testNamespace, testName) {
		got[c] = true
	}
	for _, want := range []RequestCount{{"GET", "/health", 200, 3}, {"GET", "/api/v1/adapters", 401, 1}} {
		if !got[want] {
			t.Errorf("no %+v in %v", want, got)
		}
	}
	closed := false
	for c := range got {
		closed = closed || c.Status == 0 // once or twice: net/http may try a GET again on a closed connection
	}
	if !closed {
		t.Errorf("the request to nobody is not counted: %v", got)
	}
	if r := w.ask("DELETE", "/_standin/requests/team/demo", "", nil); r.code != 204 {
		t.Errorf("%+v", r)
	}
	if left := w.server.Requests(testNamespace, testName); len(left) != 0 {
		t.Errorf("%v", left)
	}
}

func TestTheListOfServersHoldsNoSecret(t *testing.T) {
	w := newWorld(t)
	w.run(demoPod("u1"), StateRunning)
	r := w.ask("GET", "/_standin/servers", "", nil)
	if r.code != 200 || !strings.Contains(r.body, `"state":"Running"`) || strings.Contains(r.body, testSecret) || strings.Contains(r.body, testPassword) {
		t.Errorf("%+v", r)
	}
	if r := w.ask("GET", "/_standin/healthz", "", nil); r.code != 200 {
		t.Errorf("%+v", r)
	}
}
