// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const secretToken = "eyJhbGciOiJIUzI1NiJ9.the-token.signature"

// newClient starts a server with that handler and returns a client for it with a token.
func newClient(t *testing.T, h http.HandlerFunc, opts Options) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	if opts.Token == nil {
		opts.Token = func(context.Context) (string, error) { return secretToken, nil }
	}
	c, err := New(srv.URL, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func answer(code int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(code)
		_, _ = w.Write([]byte(body))
	}
}

func TestUnfriendlyAnswers(t *testing.T) {
	huge := `[{"type":"nfs","config":"` + strings.Repeat("x", MaxBodyBytes) + `"}]`
	tests := []struct {
		name    string
		handler http.HandlerFunc
		is      func(error) bool
		text    string
	}{
		{"a 401 in plain text is unauthorized and carries its text",
			answer(401, "text/plain; charset=utf-8", "Invalid or expired token\n"), IsUnauthorized, "status 401: Invalid or expired token"},
		{"a 403 in plain text is forbidden",
			answer(403, "text/plain; charset=utf-8", "Insufficient permissions\n"), IsForbidden, "Insufficient permissions"},
		{"a problem document gives its detail",
			answer(409, "application/problem+json", `{"type":"about:blank","title":"Conflict","status":409,"detail":"Adapter already exists"}`), IsConflict, "Adapter already exists"},
		{"a problem document without detail gives its title",
			answer(404, "application/problem+json", `{"title":"Not Found","status":404}`), IsNotFound, "Not Found"},
		{"a 422 is invalid",
			answer(422, "application/problem+json", `{"title":"Validation Failed","detail":"out of range","errors":{"lease_time":"must be between 10 and 3600"}}`), IsInvalid, "out of range"},
		{"an empty 500 is just its status",
			answer(500, "", ""), func(err error) bool { return hasStatus(err, 500) }, "status 500"},
		{"the web page of a proxy is not quoted",
			answer(502, "text/html", "<h1>Bad gateway</h1>"), func(err error) bool { return !strings.Contains(err.Error(), "<h1>") }, "status 502"},
		{"a long text is cut and put on one line",
			answer(400, "text/plain", strings.Repeat("a\n", 4000)), func(err error) bool { return len(err.Error()) < 400 }, "a a a"},
		{"a token echoed by the server is masked",
			answer(401, "text/plain", "bad token "+secretToken), IsUnauthorized, "bad token [token]"},
		{"a redirect is an answer and is not followed",
			func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			},
			func(err error) bool { return hasStatus(err, 307) }, "status 307"},
		{"a 200 of the wrong content type is foreign",
			answer(200, "text/html", "<html>"), IsForeign, "text/html"},
		{"a 200 without a body is foreign",
			answer(200, "application/json", ""), IsForeign, "shape"},
		{"a 200 of another shape is foreign",
			answer(200, "application/json", `{"kind":"Status"}`), IsForeign, "shape"},
		{"a body beyond the limit is foreign",
			answer(200, "application/json", huge), IsForeign, "larger than"},
		{"a connection closed without an answer is unreachable",
			func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, IsUnreachable, "no answer"},
		{"an answer broken off in the middle is unreachable",
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Content-Length", "1000")
				_, _ = w.Write([]byte("["))
			}, IsUnreachable, "no answer"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			_, err := newClient(t, tc.handler, Options{}).Adapters(t.Context())
			if err == nil {
				t.Fatal("no error")
			}
			if !tc.is(err) || !strings.Contains(err.Error(), tc.text) {
				t.Errorf("unexpected error: %v", err)
			}
			if strings.Contains(err.Error(), secretToken) {
				t.Errorf("the error contains the token: %v", err)
			}
		})
	}
}

func TestAStatusErrorCarriesFieldsAndTheClockOfTheServer(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Date", "Fri, 24 Jul 2026 11:19:35 GMT")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write([]byte(`{"title":"Validation Failed","errors":{"lease_time":"must be between 10 and 3600"}}`))
	}, Options{})
	_, err := c.Adapters(t.Context())
	var s *StatusError
	if !errors.As(err, &s) {
		t.Fatalf("not a StatusError: %v", err)
	}
	if want := time.Date(2026, 7, 24, 11, 19, 35, 0, time.UTC); !s.ServerTime.Equal(want) {
		t.Errorf("server time %v, want %v", s.ServerTime, want)
	}
	if s.Fields["lease_time"] != "must be between 10 and 3600" {
		t.Errorf("fields %v", s.Fields)
	}
}

func TestAHangingServer(t *testing.T) {
	hang := func(release chan struct{}) http.HandlerFunc {
		return func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-release:
			}
		}
	}
	t.Run("ends in a timeout after the time of one call", func(t *testing.T) {
		release := make(chan struct{})
		c := newClient(t, hang(release), Options{Timeout: 50 * time.Millisecond})
		defer close(release)
		_, err := c.Health(t.Context())
		if !IsUnreachable(err) || !IsTimeout(err) {
			t.Errorf("want unreachable by timeout, got %v", err)
		}
	})
	t.Run("is not to blame when the caller gives up", func(t *testing.T) {
		release := make(chan struct{})
		arrived := make(chan struct{})
		h := hang(release)
		c := newClient(t, func(w http.ResponseWriter, r *http.Request) { close(arrived); h(w, r) }, Options{})
		defer close(release)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { _, err := c.Health(ctx); done <- err }()
		<-arrived
		cancel()
		if err := <-done; IsUnreachable(err) || !errors.Is(err, context.Canceled) {
			t.Errorf("want the caller's cancellation, got %v", err)
		}
	})
}

func TestARefusedConnectionIsUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c, err := New("http://"+addr, Options{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Health(t.Context()); !IsUnreachable(err) || IsTimeout(err) {
		t.Errorf("got %v", err)
	}
}

func TestTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(answer(200, "application/json", `{"status":"healthy","data":{"service":"dittofs"}}`))
	srv.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	addr := srv.Listener.Addr().String()
	tests := []struct {
		name   string
		config *tls.Config
		ok     bool
	}{
		{"a certificate of an unknown authority is untrusted", &tls.Config{ServerName: "example.com", Certificates: srv.TLS.Certificates}, false},
		{"a certificate for another name is untrusted", &tls.Config{ServerName: "other.example.net", RootCAs: roots, Certificates: srv.TLS.Certificates}, false},
		{"a server that demands a client certificate is untrusted without one", &tls.Config{ServerName: "example.com", RootCAs: roots}, false},
		{"the pod is dialled by address and verified by name", &tls.Config{ServerName: "example.com", RootCAs: roots, Certificates: srv.TLS.Certificates}, true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			// The host of the URL resolves nowhere: only the transport decides where the call goes.
			c, err := New("https://demo-api.team.svc:8443", Options{Transport: NewPodTransport(addr, tc.config)})
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseIdleConnections()
			_, err = c.Health(t.Context())
			if tc.ok && err != nil {
				t.Errorf("refused: %v", err)
			}
			if !tc.ok && !IsUntrusted(err) {
				t.Errorf("want untrusted, got %v", err)
			}
		})
	}
}

func TestNewRefusesAddressesItCannotKeepSafe(t *testing.T) {
	for _, base := range []string{"", "demo:8080", "ftp://demo", "http://", "http://user:pw@demo", "http://demo?x=1", "http://demo/#x", "http://demo\x7f"} {
		if _, err := New(base, Options{}); err == nil {
			t.Errorf("%q was accepted", base)
		} else if strings.Contains(err.Error(), "pw") {
			t.Errorf("the error quotes a password: %v", err)
		}
	}
}

func TestTokens(t *testing.T) {
	var sent string
	record := func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Get("Authorization")
		answer(200, "application/json", `[]`)(w, r)
	}
	t.Run("are asked for per call and sent as bearer", func(t *testing.T) {
		if _, err := newClient(t, record, Options{}).Adapters(t.Context()); err != nil {
			t.Fatal(err)
		}
		if sent != "Bearer "+secretToken {
			t.Errorf("sent %q", sent)
		}
	})
	t.Run("are never sent to the health endpoints", func(t *testing.T) {
		_, _ = newClient(t, record, Options{}).Health(t.Context())
		if sent != "" {
			t.Errorf("sent %q", sent)
		}
	})
	t.Run("with a line break are refused unseen", func(t *testing.T) {
		c := newClient(t, record, Options{Token: func(context.Context) (string, error) { return secretToken + "\nX: y", nil }})
		if _, err := c.Adapters(t.Context()); err == nil || strings.Contains(err.Error(), secretToken) || IsUnreachable(err) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("that cannot be had are no fault of the server", func(t *testing.T) {
		want := errors.New("the Secret is gone")
		c := newClient(t, record, Options{Token: func(context.Context) (string, error) { return "", want }})
		if _, err := c.Adapters(t.Context()); !errors.Is(err, want) || IsUnreachable(err) {
			t.Errorf("got %v", err)
		}
	})
}
