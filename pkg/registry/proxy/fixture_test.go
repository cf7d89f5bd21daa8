// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

const testToken = "the.signed.token"

// fixture is the subresource of one server, whose dfs API is handler.
type fixture struct {
	t       *testing.T
	rest    *REST
	handler http.HandlerFunc
	// got are the requests that reached dfs, bodies those that came with them.
	got    []*http.Request
	bodies []string
	server *dittofsv1alpha1.DittoServer

	off       bool
	transport http.RoundTripper
	issued    []dittofsv1alpha1.CredentialsRole
	issuedFor []string
	life      time.Duration
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, transport: http.DefaultTransport, server: &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Name: "files", Namespace: "team"}}}
	f.handler = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"from":"dfs"}`)
	}
	f.rest = NewREST(Config{Servers: f, Dialer: f, Issuer: f, Caps: f, Limits: DefaultLimits()})
	return f
}

func (f *fixture) Get(_ context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	if name != f.server.Name {
		return nil, apierrors.NewNotFound(dittofsv1alpha1.Resource("dittoservers"), name)
	}
	return f.server, nil
}

func (f *fixture) ProxyAllowed(context.Context, *dittofsv1alpha1.DittoServer) (bool, string, error) {
	return !f.off, `class "silver" does not set spec.access.proxy`, nil
}

func (f *fixture) Issue(_ context.Context, _ *dittofsv1alpha1.DittoServer, username string, role dittofsv1alpha1.CredentialsRole, ttl time.Duration) (string, time.Time, error) {
	f.issued, f.issuedFor, f.life = append(f.issued, role), append(f.issuedFor, username), ttl
	return testToken, time.Time{}, nil
}

func (f *fixture) Dial(context.Context, *dittofsv1alpha1.DittoServer) (*url.URL, http.RoundTripper, error) {
	base := &url.URL{Scheme: "http", Host: "files-api.team.svc:8080", Path: "/prefix/"}
	return base, roundTripper(func(req *http.Request) (*http.Response, error) {
		f.got = append(f.got, req)
		if f.handler == nil {
			return f.transport.RoundTrip(req)
		}
		if req.Body != nil {
			body, err := io.ReadAll(req.Body)
			if err != nil {
				return nil, err
			}
			f.bodies = append(f.bodies, string(body))
		}
		w := httptest.NewRecorder()
		f.handler(w, req)
		return w.Result(), nil
	}), nil
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// answer is what the caller gets: of dfs, or an error of ours.
type answer struct {
	code   int
	header http.Header
	body   string
	err    error
}

func (a *answer) Object(int, runtime.Object) {}
func (a *answer) Error(err error)            { a.err = err }

// says tells whether the answer is ours, has the code and has the words.
func (a *answer) says(code int, words string) bool {
	status, ok := a.err.(apierrors.APIStatus)
	return ok && int(status.Status().Code) == code && strings.Contains(a.err.Error(), words)
}

// send sends a request whose path below proxy has arrived decoded, as paths do.
func (f *fixture) send(method, path, query, body string, header ...string) *answer {
	f.t.Helper()
	req := httptest.NewRequestWithContext(f.t.Context(), method, "/apis/dittofs.io/v1alpha1/namespaces/team/dittoservers/files/proxy", strings.NewReader(body))
	req.URL.Path += path
	req.URL.RawQuery = query
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	return f.do(req, path)
}

func (f *fixture) do(req *http.Request, path string) *answer {
	f.t.Helper()
	out := &answer{}
	ctx := request.WithUser(request.WithNamespace(req.Context(), "team"), &user.DefaultInfo{Name: "jane"})
	handler, err := f.rest.Connect(ctx, "files", &dittofsv1alpha1.DittoServerProxyOptions{Path: path}, out)
	if err != nil {
		out.err = err
		return out
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, req.WithContext(ctx))
	out.code, out.header, out.body = w.Code, w.Header(), w.Body.String()
	return out
}
