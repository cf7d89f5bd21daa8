// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/component-base/metrics/testutil"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/apis/dittofs/validation"
)

func TestNoHeaderOfTheCallerReachesDFS(t *testing.T) {
	f := newFixture(t)
	got := f.send(http.MethodPut, "/api/v1/shares/a", "", ` {"read_only":true} `,
		"Authorization", "Bearer of-the-caller", "Proxy-Authorization", "Basic x", "Cookie", "session=1",
		"X-Remote-User", "eve", "X-Remote-Group", "system:masters", "X-Remote-Extra-Scopes", "x", "X-Remote-Uid", "1",
		"Impersonate-User", "admin", "Impersonate-Group", "system:masters",
		"Forwarded", "for=1", "X-Forwarded-For", "10.0.0.1", "X-Forwarded-Host", "evil.example", "X-Real-Ip", "10.0.0.1",
		"X-Http-Method-Override", "DELETE", "X-Original-Url", "/api/v1/users", "Te", "trailers", "Expect", "100-continue",
		"Accept", "text/html", "Accept-Encoding", "gzip", "Content-Type", "text/plain", "User-Agent", "kubectl", "Origin", "https://evil.example")
	if got.err != nil || len(f.got) != 1 {
		t.Fatalf("answered %+v", got)
	}
	want := http.Header{
		"Authorization": {"Bearer " + testToken}, "Accept": {"application/json"}, "User-Agent": {"dittofs-apiserver"}, "Content-Type": {"application/json"},
	}
	for name, values := range f.got[0].Header {
		if !slices.Equal(values, want[name]) {
			t.Errorf("dfs got %s: %v, want %v", name, values, want[name])
		}
	}
	if len(f.got[0].Header) != len(want) {
		t.Errorf("dfs got %v", f.got[0].Header)
	}
	if f.bodies[0] != `{"read_only":true}` {
		t.Errorf("dfs got the body %q", f.bodies[0])
	}
	if f.issued[0] != dittofsv1alpha1.CredentialsAdmin || f.issuedFor[0] != validation.DFSUsername("jane") || f.life != time.Minute {
		t.Errorf("the token is for %v as %v, for %s", f.issued, f.issuedFor, f.life)
	}
}

func TestNoHeaderOfDFSReachesTheCallerUnlessItIsNeeded(t *testing.T) {
	f := newFixture(t)
	f.handler = func(w http.ResponseWriter, _ *http.Request) {
		for _, name := range []string{"Set-Cookie", "Location", "Server", "Www-Authenticate", "Access-Control-Allow-Origin", "Refresh", "Link", "X-Request-Id", "Strict-Transport-Security", "Clear-Site-Data"} {
			w.Header().Set(name, "x")
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"title":"Conflict","status":409,"detail":"Share already exists"}`)
	}
	got := f.send(http.MethodPost, "/api/v1/shares", "", `{}`)
	if got.err != nil || got.code != http.StatusConflict || !strings.Contains(got.body, "Share already exists") {
		t.Fatalf("an error of dfs is its own answer, and it is %+v", got)
	}
	for name := range got.header {
		if !slices.Contains([]string{"Content-Type", "Retry-After", "Cache-Control", "X-Content-Type-Options", "Content-Length"}, name) {
			t.Errorf("the caller got %s: %v", name, got.header[name])
		}
	}
	if got.header.Get("Content-Type") != "application/problem+json" || got.header.Get("Retry-After") != "3" || got.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the caller got %v", got.header)
	}
}

func TestAnswersThatAreNotPassedOn(t *testing.T) {
	answering := func(code int, kind, body string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			_, _ = io.WriteString(w, body)
		}
	}
	tests := []struct {
		name   string
		answer http.HandlerFunc
		code   int
		words  string
	}{
		{"a redirect", answering(307, "text/plain", "", "Location", "http://169.254.169.254/"), 502, "answered with 307, which is not followed"},
		{"a redirect without a target", answering(302, "text/plain", ""), 502, "302"},
		{"not modified", answering(304, "", ""), 502, "304"},
		{"another protocol", answering(101, "", "", "Upgrade", "websocket"), 502, "101"},
		{"our token refused", answering(401, "text/plain", "Invalid token"), 503, "see the condition Authenticated"},
		{"a page", answering(200, "text/html", "<script>"), 502, "no DittoFS server"},
		{"no type", answering(200, "", "x"), 502, "no DittoFS server"},
		{"an encoding", answering(200, "application/json", "x", "Content-Encoding", "gzip"), 502, "encoding"},
		{"our token sent back", answering(200, "application/json", `{"a":"Bearer `+testToken+`"}`), 502, "sent our token back"},
		{"too much", answering(200, "application/json", strings.Repeat("x", 8<<20+1)), 502, "more than 8388608 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.handler = tt.answer
			got := f.send(http.MethodGet, "/api/v1/shares", "", "")
			if !got.says(tt.code, tt.words) || got.body != "" || strings.Contains(got.err.Error(), testToken) {
				t.Errorf("answered %+v", got)
			}
			if len(f.got) != 1 {
				t.Errorf("dfs was asked %d times", len(f.got))
			}
		})
	}
	t.Run("as much as is allowed is passed on", func(t *testing.T) {
		f := newFixture(t)
		f.handler = answering(200, "application/json", strings.Repeat("x", 8<<20))
		if got := f.send(http.MethodGet, "/api/v1/shares", "", ""); got.err != nil || len(got.body) != 8<<20 {
			t.Errorf("answered %d bytes, %v", len(got.body), got.err)
		}
	})
	t.Run("an empty answer without a type is passed on", func(t *testing.T) {
		f := newFixture(t)
		f.handler = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }
		if got := f.send(http.MethodDelete, "/api/v1/shares/a", "", ""); got.err != nil || got.code != http.StatusNoContent {
			t.Errorf("answered %+v", got)
		}
	})
}

func TestRequestsThatAreNotPassedOn(t *testing.T) {
	tests := []struct {
		name, method, path, body string
		header                   []string
		code                     int
		words                    string
	}{
		{"an upgrade", "GET", "/api/v1/shares", "", []string{"Connection", "Upgrade", "Upgrade", "websocket"}, 400, "upgrade"},
		{"an upgrade in one header", "GET", "/api/v1/shares", "", []string{"Upgrade", "SPDY/3.1"}, 400, "upgrade"},
		{"an upgrade among others", "GET", "/api/v1/shares", "", []string{"Connection", "keep-alive, uPgrade"}, 400, "upgrade"},
		{"a body that is too large", "POST", "/api/v1/shares", `"` + strings.Repeat("x", 1<<20) + `"`, nil, 413, "at most 1048576 bytes"},
		{"a body that is no JSON", "POST", "/api/v1/shares", "a=b", nil, 400, "not JSON"},
		{"a body with more after it", "POST", "/api/v1/shares", "{} {}", nil, 400, "not JSON"},
		{"a port that ruins the server", "PUT", "/api/v1/adapters/nfs", `{"port":70000}`, nil, 400, "1 to 65535"},
		{"a port that ruins the server, in another case", "PUT", "/api/v1/adapters/nfs", `{"port":2049,"PORT":-1}`, nil, 400, "1 to 65535"},
		{"a port that is a text", "PUT", "/api/v1/adapters/nfs", `{"port":"2049"}`, nil, 400, "1 to 65535"},
		{"a port beyond numbers", "PUT", "/api/v1/adapters/nfs", `{"port":1e30}`, nil, 400, "1 to 65535"},
		{"an adapter that is a list", "PUT", "/api/v1/adapters/nfs", `[]`, nil, 400, "not an object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			if got := f.send(tt.method, tt.path, "", tt.body, tt.header...); !got.says(tt.code, tt.words) || len(f.got) > 0 {
				t.Errorf("answered %v", got.err)
			}
		})
	}
	t.Run("a good port is passed on", func(t *testing.T) {
		f := newFixture(t)
		if got := f.send(http.MethodPut, "/api/v1/adapters/nfs", "", `{"port":12055,"config":null}`); got.err != nil {
			t.Error(got.err)
		}
	})
	t.Run("the body of a GET is not sent", func(t *testing.T) {
		f := newFixture(t)
		if got := f.send(http.MethodGet, "/api/v1/shares", "", "GET / HTTP/1.1"); got.err != nil || f.bodies[0] != "" {
			t.Errorf("dfs got %q, and the answer is %v", f.bodies, got.err)
		}
	})
}

func TestTheProxyOfAServerWhoseClassDoesNotAllowIt(t *testing.T) {
	f := newFixture(t)
	f.off = true
	if got := f.send(http.MethodGet, "/health", "", ""); !got.says(http.StatusForbidden, `the proxy is switched off: class "silver"`) || len(f.got) > 0 {
		t.Errorf("answered %v", got.err)
	}
}

// slow is a body that comes when its request is given up.
type slow struct{ ctx context.Context }

func (s slow) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}
func (slow) Close() error { return nil }

func TestASlowServerIsAnsweredForBeforeTheAPIsOwnLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.handler = nil
		f.transport = roundTripper(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: slow{req.Context()}}, nil
		})
		began := time.Now()
		got := f.send(http.MethodGet, "/api/v1/shares", "", "")
		if took := time.Since(began); !got.says(http.StatusGatewayTimeout, "in time") || took != 50*time.Second {
			t.Errorf("after %s: %v", took, got.err)
		}
	})
}

func TestABodyThatBreaksOff(t *testing.T) {
	f := newFixture(t)
	f.handler = nil
	f.transport = roundTripper(func(*http.Request) (*http.Response, error) {
		broken := io.MultiReader(bytes.NewReader([]byte("{")), errReader{})
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(broken)}, nil
	})
	if got := f.send(http.MethodGet, "/api/v1/shares", "", ""); !got.says(http.StatusBadGateway, "broke its answer off") || got.body != "" {
		t.Errorf("answered %+v", got)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("reset") }

func TestRequestsAreCounted(t *testing.T) {
	RegisterMetrics()
	f := newFixture(t)
	requests.Reset()
	f.send(http.MethodHead, "/api/v1/shares", "", "")
	f.send(http.MethodPost, "/api/v1/users", "", "{}")
	f.handler = nil
	f.transport = roundTripper(func(*http.Request) (*http.Response, error) {
		return nil, apierrors.NewServiceUnavailable("no way")
	})
	f.send(http.MethodDelete, "/api/v1/shares/a", "", "")
	for _, want := range [][2]string{{"200", "get"}, {"403", "create"}, {"503", "delete"}} {
		value, err := testutil.GetCounterMetricValue(requests.WithLabelValues(want[0], want[1]))
		if err != nil || value != 1 {
			t.Errorf("%v was counted %v times: %v", want, value, err)
		}
	}
}
