// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package subresources_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/validation"
	"github.com/dittofs/dittofs-apiserver/test/standin"
)

func TestSharesAreManagedThroughTheProxyWithKubectl(t *testing.T) {
	s := files(t)
	user := s.somebody(t, mayProxy("get", "create", "update", "patch", "delete"))
	kubectl := user.Kubectl("")
	body := func(text string) string {
		path := filepath.Join(t.TempDir(), "body.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	v1 := s.path("proxy/api/v1/")
	kubectl.Run(t, "create", "--raw", v1+"store/metadata", "-f", body(`{"name":"m1","type":"memory"}`))
	kubectl.Run(t, "create", "--raw", v1+"store/block/local", "-f", body(`{"name":"b1","type":"memory"}`))
	made := kubectl.Run(t, "create", "--raw", v1+"shares", "-f", body(`{"name":"export","metadata_store_id":"m1","local_block_store":"b1"}`))
	var share struct{ ID, Name string }
	if err := json.Unmarshal([]byte(made), &share); err != nil || share.Name != "/export" {
		t.Fatalf("%s: %v", made, err)
	}
	for _, name := range []string{"export", share.ID} {
		if got := kubectl.Run(t, "get", "--raw", v1+"shares/"+name); !strings.Contains(got, share.ID) {
			t.Errorf("share %s is %s", name, got)
		}
	}
	kubectl.Run(t, "replace", "--raw", v1+"shares/export/snapshot-policy", "-f", body(`{"interval":"@daily","keep_last":3}`))
	if got := kubectl.Run(t, "get", "--raw", v1+"shares/export/snapshot-policy"); !strings.Contains(got, `"keep_last":3`) {
		t.Errorf("the policy is %s", got)
	}
	if got := send(t, user.Config, http.MethodPatch, v1+"adapters/nfs/settings", `{"lease_time":60}`); got.code != http.StatusOK || !strings.Contains(got.body, `"lease_time":60`) {
		t.Errorf("PATCH: %d %s", got.code, got.body)
	}
	kubectl.Run(t, "delete", "--raw", v1+"shares/export")
	t.Run("and an error of dfs is its own", func(t *testing.T) {
		got := send(t, user.Config, http.MethodGet, v1+"shares/export", "")
		if got.code != http.StatusNotFound || got.header.Get("Content-Type") != "application/problem+json" || !strings.Contains(got.body, "Share not found") {
			t.Errorf("answered %d %s %s", got.code, got.header.Get("Content-Type"), got.body)
		}
		got = send(t, user.Config, http.MethodPatch, v1+"adapters/nfs/settings", `{"lease_time":1}`)
		if got.code != http.StatusUnprocessableEntity || !strings.Contains(got.body, "must be between 10 and 3600") {
			t.Errorf("answered %d %s", got.code, got.body)
		}
	})
	t.Run("and a server that is not there is an error of ours", func(t *testing.T) {
		got := send(t, user.Config, http.MethodGet, (subject{s.namespace, "none"}).path("proxy/api/v1/shares"), "")
		if got.code != http.StatusNotFound || !strings.Contains(got.body, `"kind":"Status"`) {
			t.Errorf("answered %d %s", got.code, got.body)
		}
	})
	t.Run("and the audit log says as whom", func(t *testing.T) {
		for _, event := range audited(t, "Bearer ") {
			if event.User.Username == user.Name && event.Annotations["dittofs.io/proxy-username"] == validation.DFSUsername(user.Name) && strings.HasSuffix(event.RequestURI, "/shares/export") {
				return
			}
		}
		t.Error("no event has the annotation")
	})
	t.Run("and is counted", func(t *testing.T) {
		text := send(t, cluster.Server.DirectConfig(), http.MethodGet, "/metrics", "").body
		if !strings.Contains(text, `dittofs_proxy_requests_total{code="404",verb="get"}`) {
			t.Error("/metrics has no dittofs_proxy_requests_total")
		}
	})
}

// Paths as they are sent to kube-apiserver, and, for what the aggregator makes of them, to our server itself.
func TestTricksThroughTheAggregator(t *testing.T) {
	s := files(t)
	user := s.somebody(t, mayProxy("*"))
	plain := []string{"Accept", "application/json"}
	tests := []struct {
		name, method, path string
		header             []string
		code               int
	}{
		{"dots", "GET", "proxy/api/v1/shares/../users", plain, 400},
		{"dots that are encoded", "GET", "proxy/api/v1/shares/%2e%2e/users", plain, 400},
		{"dots that are half encoded", "GET", "proxy/api/v1/shares/.%2E/users", plain, 400},
		{"dots that are encoded twice", "GET", "proxy/api/v1/shares/%252e%252e/users", plain, 400},
		{"dots that leave the subresource", "GET", "proxy/../../../../../../../api/v1/namespaces/kube-system/secrets", plain, 400},
		{"dots after another slash", "GET", "proxy/api/v1/shares/..%2fusers", plain, 400},
		{"an encoded slash of a share's name", "GET", "proxy/api/v1/shares/%2Fexport", plain, 400},
		{"an encoded slash within a name", "GET", "proxy/api/v1/shares/a%2Fb", plain, 403},
		{"a slash that is encoded twice", "GET", "proxy/api/v1/shares/a%252Fb", plain, 400},
		{"two slashes", "GET", "proxy//api/v1/shares", plain, 400},
		{"a slash at the end", "GET", "proxy/api/v1/shares/", plain, 400},
		{"nothing", "GET", "proxy", plain, 400},
		{"nothing but a slash", "GET", "proxy/", plain, 400},
		{"a backslash", "GET", `proxy/api/v1/shares/..%5cusers`, plain, 400},
		{"a semicolon", "GET", "proxy/api/v1/shares;a=b", plain, 400},
		{"an encoded semicolon", "GET", "proxy/api/v1/shares/..%3b/users", plain, 400},
		{"a line break", "GET", "proxy/api/v1/shares/a%0d%0aHost:%20evil.example", plain, 400},
		{"a null", "GET", "proxy/api/v1/shares/a%00", plain, 400},
		{"a URL", "GET", "proxy/http://169.254.169.254/latest/meta-data", plain, 400},
		{"an address", "GET", "proxy/169.254.169.254/latest", plain, 403},
		{"a path in the query", "GET", "proxy/api/v1/adapters?path=/api/v1/users", plain, 200},
		{"another query", "GET", "proxy/api/v1/shares?x=y", plain, 400},
		{"a dry run", "DELETE", "proxy/api/v1/shares/a?dryRun=All", plain, 400},
		{"another Host", "GET", "proxy/api/v1/adapters", []string{"Host", "169.254.169.254"}, 200},
		{"another host, forwarded", "GET", "proxy/api/v1/adapters", []string{"X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example"}, 200},
		{"another method in a header", "GET", "proxy/api/v1/users", []string{"X-HTTP-Method-Override", "POST"}, 200},
		{"an upgrade", "GET", "proxy/api/v1/shares", []string{"Connection", "Upgrade", "Upgrade", "websocket"}, 400},
		{"a login", "POST", "proxy/api/v1/auth/login", plain, 403},
		{"a new account", "POST", "proxy/api/v1/users", plain, 403},
		{"the password of whoever asks", "POST", "proxy/api/v1/users/me/password", plain, 403},
		{"a member of the admins", "POST", "proxy/api/v1/groups/admins/members", plain, 403},
		{"an identity provider", "PUT", "proxy/api/v1/identity-providers/ldap/config", plain, 403},
		{"the memory of the process", "GET", "proxy/debug/pprof/heap", plain, 403},
		{"an unknown route", "GET", "proxy/api/v1/unknown", plain, 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s.countAnew(t)
			body := map[string]string{"POST": "{}", "PUT": "{}"}[tt.method]
			got := send(t, user.Config, tt.method, s.path(tt.path), body, tt.header...)
			if got.code != tt.code {
				t.Errorf("answered %d %s", got.code, got.body)
			}
			if tt.code >= 400 && !strings.Contains(got.body, `"kind":"Status"`) {
				t.Errorf("it is no Status: %s", got.body)
			}
			for _, r := range s.requests(t) {
				// Of these the probe, which asks in the meantime, asks for none.
				for _, part := range []string{"share", "users", "auth", "groups", "debug", "latest", "secrets", "unknown"} {
					if tt.code >= 400 && strings.Contains(r.Path, part) {
						t.Errorf("dfs got %+v", r)
					}
				}
			}
		})
	}
}

// countAnew forgets what dfs was asked.
func (s subject) countAnew(t *testing.T) {
	t.Helper()
	s.control(t, http.MethodDelete, "requests", "")
}

// requests are those that dfs got.
func (s subject) requests(t *testing.T) (list []standin.RequestCount) {
	t.Helper()
	if err := json.Unmarshal([]byte(s.control(t, http.MethodGet, "requests", "")), &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// control calls the stand-in about the server: "faults" or "requests".
func (s subject) control(t *testing.T, method, what, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, cluster.StandIn.URL+"/_standin/"+what+"/"+s.namespace+"/"+s.name, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var text strings.Builder
	if err := res.Write(&text); err != nil || res.StatusCode >= 300 {
		t.Fatalf("%s %s: %s, %v", method, what, res.Status, err)
	}
	_, content, _ := strings.Cut(text.String(), "\r\n\r\n")
	return content
}

func TestAServerThatBreaksIsAStatus(t *testing.T) {
	s := files(t)
	user := s.somebody(t, mayProxy("get"))
	for _, tt := range []struct {
		fault string
		code  int
		words string
	}{
		{`{"mode":"down","path":"/api/v1/mounts"}`, 503, "the connection broke"},
		{`{"mode":"error500","path":"/api/v1/mounts"}`, 500, ""},
	} {
		s.control(t, http.MethodPost, "faults", tt.fault)
		if got := send(t, user.Config, http.MethodGet, s.path("proxy/api/v1/mounts"), ""); got.code != tt.code || !strings.Contains(got.body, tt.words) {
			t.Errorf("with %s: %d %s", tt.fault, got.code, got.body)
		}
	}
	s.control(t, http.MethodDelete, "faults", "")
}
