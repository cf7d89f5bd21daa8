// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	testclock "k8s.io/utils/clock/testing"
)

const (
	oldSecret = "old-0123456789abcdef0123456789abcdef"
	newSecret = "new-0123456789abcdef0123456789abcdef"
	firstSID  = "S-1-5-21-1-2-3"
	otherSID  = "S-1-5-21-4-5-6"
)

// fakeDFS is a dfs that started with one JWT secret. Like the real one it refuses tokens in plain text, answers an empty
// value for a setting that it does not have, gives durations back in another form than it took them, masks passwords, and
// panics with an empty 500.
type fakeDFS struct {
	mu          sync.Mutex
	secret      string
	database    string
	adapters    string
	nfs         string
	started     time.Time
	skew        time.Duration
	clock       *testclock.FakeClock
	shares      []string
	policies    map[string]map[string]any
	settings    map[string]string
	providers   map[string]map[string]any
	broken      string // a path that answers an empty 500
	hang        string // a path that does not answer
	calls       []string
	users       []string
	localStores []string
	shareRows   []map[string]any
}

func newFakeDFS(clock *testclock.FakeClock) *fakeDFS {
	return &fakeDFS{
		clock: clock, secret: oldSecret, database: "reachable", started: clock.Now().Truncate(time.Second),
		adapters: `[{"type":"nfs","enabled":true,"running":true,"port":12049,"status":{"status":"healthy"}}]`,
		nfs:      `{"portmapper_enabled":false,"portmapper_port":10111,"udp_enabled":false}`,
		policies: map[string]map[string]any{}, settings: map[string]string{"machine_sid": firstSID}, providers: map[string]map[string]any{},
	}
}

func (d *fakeDFS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // until it is read, nobody notices that the client has gone
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, r.Method+" "+r.URL.Path)
	w.Header().Set("Date", d.clock.Now().Add(d.skew).UTC().Format(http.TimeFormat))
	if d.hang != "" && strings.HasPrefix(r.URL.Path, d.hang) {
		d.mu.Unlock()
		<-r.Context().Done()
		d.mu.Lock()
		return
	}
	if d.broken != "" && strings.HasPrefix(r.URL.Path, d.broken) {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if r.URL.Path == "/health" {
		answer(w, http.StatusOK, map[string]any{"status": "healthy", "data": map[string]any{
			"service": "dittofs", "control_plane_db": d.database, "started_at": d.started.UTC().Format(time.RFC3339)}})
		return
	}
	claims := jwt.MapClaims{}
	_, err := jwt.ParseWithClaims(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), claims,
		func(*jwt.Token) (any, error) { return []byte(d.secret), nil })
	if err != nil || claims["role"] != "admin" {
		http.Error(w, "Invalid or expired token", http.StatusUnauthorized)
		return
	}
	d.users = append(d.users, claims["username"].(string))
	d.serve(w, r.Method, strings.TrimPrefix(r.URL.Path, "/api/v1"), body)
}

func (d *fakeDFS) serve(w http.ResponseWriter, method, path string, body []byte) {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case path == "/adapters":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, d.adapters)
	case path == "/adapters/nfs/settings":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, d.nfs)
	case path == "/store/block/local":
		out := []any{}
		for _, p := range d.localStores {
			out = append(out, map[string]any{"name": p, "kind": "local", "type": "fs", "id": "id of " + p, "config": map[string]any{"path": p}})
		}
		answer(w, http.StatusOK, out)
	case path == "/shares":
		answer(w, http.StatusOK, d.shareRows)
	case segments[0] == "settings":
		d.serveSetting(w, method, segments[1], body)
	case path == "/snapshot-policies":
		out := []any{}
		for _, share := range slices.Sorted(maps.Keys(d.policies)) {
			out = append(out, d.policies[share])
		}
		answer(w, http.StatusOK, out)
	case len(segments) == 3 && segments[0] == "shares" && segments[2] == "snapshot-policy":
		d.servePolicy(w, "/"+segments[1], body)
	case len(segments) == 3 && segments[0] == "identity-providers":
		d.serveProvider(w, method, segments[1], body)
	default:
		http.NotFound(w, nil)
	}
}

func (d *fakeDFS) serveSetting(w http.ResponseWriter, method, key string, body []byte) {
	if method == http.MethodPut {
		var in struct{ Value string }
		_ = json.Unmarshal(body, &in)
		d.settings[key] = in.Value
	}
	answer(w, http.StatusOK, map[string]any{"key": key, "value": d.settings[key]})
}

func (d *fakeDFS) servePolicy(w http.ResponseWriter, share string, body []byte) {
	in := map[string]any{"enabled": true}
	_ = json.Unmarshal(body, &in)
	interval, err := time.ParseDuration(in["interval"].(string))
	switch {
	case err != nil || in["name_prefix"] == "dfs says no":
		problem(w, http.StatusBadRequest, "invalid name_prefix: must match ^[A-Za-z0-9_-]{0,64}$")
	case !slices.Contains(d.shares, share):
		problem(w, http.StatusNotFound, "share not found")
	default:
		if before := d.policies[share]; before != nil && before["last_run_at"] != nil {
			in["last_run_at"] = before["last_run_at"]
		}
		in["share"], in["interval"] = share, interval.String()
		d.policies[share] = in
		answer(w, http.StatusOK, in)
	}
}

func (d *fakeDFS) serveProvider(w http.ResponseWriter, method, name string, body []byte) {
	stored := d.providers[name]
	if method == http.MethodPut {
		in := map[string]any{}
		_ = json.Unmarshal(body, &in)
		holder, key := secretField(name, in)
		old, _ := secretField(name, stored)
		if text, _ := holder[key].(string); (text == "" || text == "********") && old != nil {
			holder[key] = old[key]
		}
		if text, _ := holder[key].(string); name == "ldap" && in["enabled"] == true && text == "" {
			problem(w, http.StatusBadRequest, "ldap.bind_password is required (an empty password performs an anonymous bind)")
			return
		}
		d.providers[name], stored = in, in
	}
	if stored == nil {
		problem(w, http.StatusNotFound, "Identity provider not configured")
		return
	}
	text, _ := json.Marshal(stored)
	shown := map[string]any{}
	_ = json.Unmarshal(text, &shown)
	if holder, key := secretField(name, shown); holder != nil && holder[key] != nil && holder[key] != "" {
		holder[key] = "********"
	}
	answer(w, http.StatusOK, shown)
}

// secretField is where a provider keeps its secret.
func secretField(name string, config map[string]any) (map[string]any, string) {
	if name == "ldap" {
		return config, "bind_password"
	}
	account, _ := config["machine_account"].(map[string]any)
	return account, "secret"
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

func problem(w http.ResponseWriter, code int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": "about:blank", "title": http.StatusText(code), "status": code, "detail": detail})
}

// take returns the calls since the last time.
func (d *fakeDFS) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	calls := d.calls
	d.calls = nil
	return calls
}

// writes are those of the calls that change something.
func (d *fakeDFS) writes() []string {
	return slices.DeleteFunc(d.take(), func(call string) bool { return strings.HasPrefix(call, "GET ") })
}

// set changes the server under its lock.
func (d *fakeDFS) set(change func(d *fakeDFS)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(d)
}
