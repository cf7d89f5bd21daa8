// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPathTricksReachNobody(t *testing.T) {
	tests := []struct{ name, path string }{
		{"no path", ""},
		{"the root", "/"},
		{"dots that climb", "/api/v1/shares/../users"},
		{"dots that climb out", "/../../../api/v1/users"},
		{"dots at the end", "/api/v1/shares/.."},
		{"one dot", "/api/v1/./users"},
		{"dots that are encoded once more", "/api/v1/shares/%2e%2e/users"},
		{"dots that are encoded twice more", "/api/v1/shares/%252e%252e/users"},
		{"a slash that is encoded once more", "/api/v1/shares/a%2Fb"},
		{"dots with a path parameter", "/api/v1/shares/..;/users"},
		{"a path parameter", "/api/v1/shares/a;b=c"},
		{"a backslash", `/api/v1/shares/..\users`},
		{"a backslash alone", `/api/v1\users`},
		{"two slashes", "/api/v1//users"},
		{"two slashes at the start", "//evil.example/api/v1/shares"},
		{"a slash at the end", "/api/v1/shares/"},
		{"another URL", "/http://169.254.169.254/latest/meta-data"},
		{"another URL without slashes", "/http:169.254.169.254"},
		{"an address", "/169.254.169.254/latest"},
		{"user information", "/@evil.example/api"},
		{"a line break", "/api/v1/shares/a\r\nHost: evil.example"},
		{"a line break at the end", "/api/v1/shares\n"},
		{"a null", "/api/v1/shares/a\x00"},
		{"a question mark", "/api/v1/shares?x=y"},
		{"a fragment", "/api/v1/shares#x"},
		{"a space", "/api/v1/shares/a b"},
		{"letters of another alphabet", "/api/v1/shares/ａ"},
		{"dots of another alphabet", "/api/v1/shares/．．"},
		{"a name that begins with a dot", "/api/v1/shares/.hidden"},
		{"a name that is too long", "/api/v1/shares/" + strings.Repeat("a", 256)},
		{"another case of a route", "/API/v1/shares"},
		{"another version", "/api/v2/shares"},
		{"a longer path", "/api/v1/adapters/nfs/settings/defaults/x"},
		{"whoever asks", "/api/v1/users/me"},
		{"whoever asks, loudly", "/api/v1/users/ME"},
		{"the session", "/api/v1/auth/me"},
		{"the memory of the process", "/debug/pprof/heap"},
		{"every setting", "/api/v1/settings"},
		{"a setting of the controller", "/api/v1/settings/dittofs-apiserver"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			got := f.send(http.MethodGet, tt.path, "", "")
			if !got.says(http.StatusBadRequest, "") && !got.says(http.StatusForbidden, "is not passed on") {
				t.Errorf("answered %+v", got)
			}
			if len(f.got) > 0 || len(f.issued) > 0 {
				t.Errorf("%v reached dfs, and %d tokens were signed", f.got, len(f.issued))
			}
			if got.err != nil && strings.ContainsAny(got.err.Error(), "\r\n\x00") {
				t.Errorf("the answer has control characters: %q", got.err)
			}
		})
	}
}

func TestASlashThatTheLibraryDroppedIsNoticed(t *testing.T) {
	f := newFixture(t)
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/apis/dittofs.io/v1alpha1/namespaces/team/dittoservers/files/proxy//api/v1/shares", nil)
	if got := f.do(req, "/api/v1/shares"); !got.says(http.StatusBadRequest, "empty segment") || len(f.got) > 0 {
		t.Errorf("answered %+v", got)
	}
}

func TestWhatIsPassedOnArrivesAsItWasWritten(t *testing.T) {
	tests := []struct{ name, method, path, query, want string }{
		{"a list", "GET", "/api/v1/shares", "", "/prefix/api/v1/shares"},
		{"a UUID", "DELETE", "/api/v1/shares/13e5f1e2-0000-4000-8000-000000000001", "", "/prefix/api/v1/shares/13e5f1e2-0000-4000-8000-000000000001"},
		{"a name with everything that names may have", "GET", "/api/v1/users/a_B-9.x@corp:1", "", "/prefix/api/v1/users/a_B-9.x@corp:1"},
		{"a SID", "PUT", "/api/v1/shares/a/permissions/sids/S-1-5-21-1-2-3-500", "", "/prefix/api/v1/shares/a/permissions/sids/S-1-5-21-1-2-3-500"},
		{"health", "GET", "/health", "", "/prefix/health"},
		{"a HEAD, as the GET that dfs knows", "HEAD", "/api/v1/adapters", "", "/prefix/api/v1/adapters"},
		{"a query that the route takes", "GET", "/api/v1/clients", "protocol=nfs&share=%2Fa+b", "/prefix/api/v1/clients?protocol=nfs&share=%2Fa+b"},
		{"none of what is for the API of Kubernetes", "GET", "/api/v1/clients", "timeout=30s&pretty=true&path=%2Fx", "/prefix/api/v1/clients"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			got := f.send(tt.method, tt.path, tt.query, "")
			if got.err != nil || got.code != http.StatusOK || len(f.got) != 1 {
				t.Fatalf("answered %+v, and %d requests reached dfs", got, len(f.got))
			}
			wantMethod := strings.Replace(tt.method, "HEAD", "GET", 1)
			if req := f.got[0]; req.URL.RequestURI() != tt.want || req.Method != wantMethod || req.URL.Host != "files-api.team.svc:8080" || req.Host != "" {
				t.Errorf("dfs got %s %s of %s (Host %q), want %s %s", req.Method, req.URL.RequestURI(), req.URL.Host, req.Host, wantMethod, tt.want)
			}
			if wantBody := map[bool]string{true: "", false: `{"from":"dfs"}`}[tt.method == "HEAD"]; got.body != wantBody {
				t.Errorf("the body is %q", got.body)
			}
		})
	}
}

func TestAQueryThatARouteDoesNotTakeIsRefused(t *testing.T) {
	tests := []struct{ name, path, query, want string }{
		{"an unknown one", "/api/v1/shares", "token=x", `"token" is not passed on to this path; it takes none`},
		{"one of another route", "/api/v1/durable-handles", "protocol=nfs", "it takes share"},
		{"one that comes twice", "/api/v1/clients", "share=a&share=b", "share more than once"},
		{"a semicolon", "/api/v1/clients", "share=a;protocol=b", "cannot be read"},
		{"a broken escape", "/api/v1/clients", "share=%zz", "cannot be read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			if got := f.send(http.MethodGet, tt.path, tt.query, ""); !got.says(http.StatusBadRequest, tt.want) || len(f.got) > 0 {
				t.Errorf("answered %+v", got)
			}
		})
	}
}
