// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The bodies below have the shape that a DittoFS v0.29.0 server was seen to send.

func TestHealth(t *testing.T) {
	tests := []struct {
		name, body string
		want       Health
		reachable  bool
		foreign    bool
	}{
		{"a healthy server",
			`{"status":"healthy","timestamp":"2026-07-24T11:19:35.123Z","data":{"service":"dittofs","started_at":"2026-07-24T11:19:16Z","uptime":"19s","uptime_sec":19,"control_plane_db":"reachable"}}`,
			Health{"healthy", "reachable", time.Date(2026, 7, 24, 11, 19, 16, 0, time.UTC), 19}, true, false},
		{"a lost database is told in the body of a 200",
			`{"status":"degraded","data":{"service":"dittofs","started_at":"2026-07-24T11:19:16Z","uptime_sec":20,"control_plane_db":"unreachable"}}`,
			Health{"degraded", "unreachable", time.Date(2026, 7, 24, 11, 19, 16, 0, time.UTC), 20}, false, false},
		{"an unknown database is not a reachable one",
			`{"status":"healthy","data":{"service":"dittofs","started_at":"2026-07-24T11:19:16Z","control_plane_db":"unknown"}}`,
			Health{"healthy", "unknown", time.Date(2026, 7, 24, 11, 19, 16, 0, time.UTC), 0}, false, false},
		{"another service at the address is no server", `{"status":"ok"}`, Health{}, false, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := newClient(t, answer(200, "application/json", tc.body), Options{}).Health(t.Context())
			if IsForeign(err) != tc.foreign {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if got.DatabaseReachable() != tc.reachable {
				t.Errorf("reachable: %v", got.DatabaseReachable())
			}
		})
	}
}

func TestReady(t *testing.T) {
	c := newClient(t, answer(200, "application/json", `{"status":"healthy","data":{"shares":2,"metadata_stores":1,"adapters":{"running":2,"types":["smb","nfs"]},
		"grace_period":{"active":true,"remaining_seconds":61.5,"expected_clients":3,"reclaimed_clients":1}}}`), Options{})
	got, err := c.Ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := Readiness{2, 1, 2, []string{"smb", "nfs"}, &GracePeriod{true, 61.5, 3, 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAdapters(t *testing.T) {
	body := `[{"id":"24ee","type":"smb","enabled":true,"running":true,"port":445,"status":{"status":"unknown","message":"SMB adapter has not started yet","checked_at":"2026-07-24T11:19:35Z"}},
	          {"id":"cd70","type":"nfs","enabled":true,"running":true,"port":12049,"status":{"status":"healthy","checked_at":"2026-07-24T11:19:35Z"}}]`
	got, err := newClient(t, answer(200, "application/json", body), Options{}).Adapters(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []Adapter{
		{AdapterNFS, true, true, 12049, Report{"healthy", ""}},
		{AdapterSMB, true, true, 445, Report{"unknown", "SMB adapter has not started yet"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if !got[0].Healthy() {
		t.Error("an adapter that runs and is healthy was not called healthy")
	}
	if got[1].Healthy() {
		t.Error("an adapter that could not bind its port was called healthy because it says running")
	}
}

func TestUpdateAdapterNeverSendsAPortThatBreaksTheNextStart(t *testing.T) {
	calls := 0
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		answer(200, "application/json", `{"type":"smb","port":445}`)(w, r)
	}, Options{})
	for _, port := range []int32{-1, 0, 65536, 70000} {
		if _, err := c.UpdateAdapter(t.Context(), AdapterSMB, nil, &port); err == nil {
			t.Errorf("port %d was sent", port)
		}
	}
	if calls != 0 {
		t.Errorf("%d calls", calls)
	}
	port := int32(445)
	if a, err := c.UpdateAdapter(t.Context(), AdapterSMB, nil, &port); err != nil || a.Port != 445 {
		t.Errorf("%v %v", a, err)
	}
}

func TestMachineSID(t *testing.T) {
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    string
		is      func(error) bool
	}{
		{"a stored SID", answer(200, "application/json", `{"key":"machine_sid","value":"S-1-5-21-1-22-4294967295"}`), "S-1-5-21-1-22-4294967295", func(err error) bool { return err == nil }},
		{"a deleted SID, which the server calls an empty value", answer(200, "application/json", `{"key":"machine_sid","value":""}`), "", func(err error) bool { return errors.Is(err, ErrNoMachineSID) }},
		{"a value somebody overwrote", answer(200, "application/json", `{"key":"machine_sid","value":"hello"}`), "", IsForeign},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got, err := newClient(t, tc.handler, Options{}).MachineSID(t.Context())
			if got != tc.want || !tc.is(err) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestSnapshotPolicies(t *testing.T) {
	var method, path string
	var body map[string]any
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		method, path = r.Method, r.URL.EscapedPath()
		if b, _ := io.ReadAll(r.Body); len(b) > 0 {
			body = nil
			if err := json.Unmarshal(b, &body); err != nil {
				t.Error(err)
			}
		}
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(200, "application/json", `[{"share":"/a","enabled":true,"interval":"24h0m0s","keep_last":7,"ttl":"72h0m0s","name_prefix":"p"}]`)(w, r)
	}, Options{})

	got, err := c.SnapshotPolicies(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []SnapshotPolicy{{Share: "/a", Enabled: true, Interval: 24 * time.Hour, KeepLast: 7, TTL: 72 * time.Hour, NamePrefix: "p"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	if err := c.PutSnapshotPolicy(t.Context(), SnapshotPolicy{Share: "/a b", Interval: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if method != http.MethodPut || path != "/api/v1/shares/a%20b/snapshot-policy" {
		t.Errorf("%s %s", method, path)
	}
	// enabled: false must be sent, because leaving it out means true.
	if diff := cmp.Diff(map[string]any{"enabled": false, "interval": "1h0m0s", "keep_last": 0.0}, body); diff != "" {
		t.Error(diff)
	}

	if err := c.DeleteSnapshotPolicy(t.Context(), "a/../b"); err != nil {
		t.Fatal(err)
	}
	if method != http.MethodDelete || path != "/api/v1/shares/a%2F..%2Fb/snapshot-policy" {
		t.Errorf("a share name left its segment: %s %s", method, path)
	}
}
