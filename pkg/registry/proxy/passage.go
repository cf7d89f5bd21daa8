// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/registry/rest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// tokenLife is that of one request.
const tokenLife = time.Minute

// passage passes one request on. What is sent and what is answered is made anew, from the few parts that are needed.
type passage struct {
	config    Config
	server    *dittofsv1alpha1.DittoServer
	path      string
	username  string
	responder rest.Responder
}

func (p *passage) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	res, err := p.exchange(req)
	if err != nil {
		var status apierrors.APIStatus
		if !errors.As(err, &status) {
			err = apierrors.NewInternalError(err)
			errors.As(err, &status)
		}
		count(req.Method, int(status.Status().Code))
		p.responder.Error(err)
		return
	}
	count(req.Method, res.code)
	for _, name := range []string{"Content-Type", "Retry-After"} {
		if value := res.header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	// Nothing that dfs sends is to become a page in the name of the Kubernetes API.
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if len(res.body) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(res.body)))
	}
	w.WriteHeader(res.code)
	if req.Method != http.MethodHead {
		_, _ = w.Write(res.body)
	}
}

// reply is what of a response is passed on.
type reply struct {
	code   int
	header http.Header
	body   []byte
}

// exchange asks dfs. An error is an answer of ours.
func (p *passage) exchange(req *http.Request) (*reply, error) {
	ctx, cancel := context.WithTimeout(req.Context(), p.config.Limits.Time)
	defer cancel()
	out, err := p.request(ctx, req)
	if err != nil {
		return nil, err
	}
	token, _, err := p.config.Issuer.Issue(ctx, p.server, p.username, dittofsv1alpha1.CredentialsAdmin, tokenLife)
	if err != nil {
		return nil, err
	}
	out.Header.Set("Authorization", "Bearer "+token)
	base, transport, err := p.config.Dialer.Dial(ctx, p.server)
	if err != nil {
		return nil, err
	}
	out.URL.Scheme, out.URL.Host = base.Scheme, base.Host
	out.URL.Path = strings.TrimRight(base.Path, "/") + out.URL.Path
	// The transport, unlike a client, follows no redirect.
	res, err := transport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if err := p.check(res); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, p.config.Limits.ResponseBytes+1))
	switch {
	case ctx.Err() != nil:
		return nil, apierrors.NewTimeoutError(fmt.Sprintf("the dfs API of DittoServer %q did not finish its answer in time", p.server.Name), 0)
	case err != nil:
		return nil, p.badGateway("broke its answer off")
	case int64(len(body)) > p.config.Limits.ResponseBytes:
		return nil, p.badGateway(fmt.Sprintf("answered with more than %d bytes", p.config.Limits.ResponseBytes))
	case bytes.Contains(body, []byte(token)):
		return nil, p.badGateway("sent our token back: it is no DittoFS server")
	case len(body) > 0 && !readable(res.Header):
		return nil, p.badGateway("answered with something other than JSON or plain text: it may be no DittoFS server")
	}
	return &reply{res.StatusCode, res.Header, body}, nil
}

// request is what is sent, without its token and without where to.
func (p *passage) request(ctx context.Context, req *http.Request) (*http.Request, error) {
	if req.Header.Get("Upgrade") != "" || strings.Contains(strings.ToLower(strings.Join(req.Header.Values("Connection"), ",")), "upgrade") {
		return nil, apierrors.NewBadRequest("the dfs API has nothing to upgrade a connection for")
	}
	if !strings.HasSuffix(req.URL.Path, "/proxy"+p.path) {
		// The library has dropped an empty segment at the start.
		return nil, errEmptySegment
	}
	segments, err := splitPath(p.path)
	if err != nil {
		return nil, err
	}
	found, err := match(req.Method, segments)
	if err != nil {
		return nil, forbidden(p.server, err)
	}
	query, err := passQuery(req.URL.RawQuery, found.query)
	if err != nil {
		return nil, err
	}
	var body []byte
	if req.Method == http.MethodPost || req.Method == http.MethodPut || req.Method == http.MethodPatch {
		if body, err = readBody(req, p.config.Limits.RequestBytes); err != nil {
			return nil, err
		}
		if err := found.checkBody(body); err != nil {
			return nil, err
		}
	}
	method := req.Method
	if method == http.MethodHead {
		method = http.MethodGet // dfs knows no HEAD
	}
	target := &url.URL{Scheme: "http", Host: "unset", Path: "/" + strings.Join(segments, "/"), RawQuery: query.Encode()}
	out, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, apierrors.NewBadRequest("the request cannot be passed on")
	}
	out.Host = ""
	out.Header.Set("Accept", "application/json")
	out.Header.Set("User-Agent", "dittofs-apiserver")
	if len(body) > 0 {
		out.Header.Set("Content-Type", "application/json")
	}
	return out, nil
}

// check refuses answers that are not for the caller.
func (p *passage) check(res *http.Response) error {
	switch {
	case res.StatusCode < 200 || res.StatusCode > 299 && res.StatusCode < 400:
		return p.badGateway(fmt.Sprintf("answered with %d, which is not followed", res.StatusCode))
	case res.StatusCode == http.StatusUnauthorized:
		// It is our token that it refuses. A client would take the 401 for its own.
		return apierrors.NewServiceUnavailable(fmt.Sprintf(
			"DittoServer %q refuses the token that was signed with its JWT secret: a changed secret works after a restart, see the condition Authenticated", p.server.Name))
	case res.Header.Get("Content-Encoding") != "":
		return p.badGateway("answered in an encoding that it was not asked for")
	}
	return nil
}

// badGateway is 502, which the library has no constructor for.
func (p *passage) badGateway(what string) error {
	return &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure, Code: http.StatusBadGateway, Reason: ReasonBadGateway,
		Message: fmt.Sprintf("the dfs API of DittoServer %q %s", p.server.Name, what),
	}}
}

// ReasonBadGateway is the reason of a Status that says that dfs gave an answer that cannot be passed on.
const ReasonBadGateway metav1.StatusReason = "BadGateway"

func readable(header http.Header) bool {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	return err == nil && (kind == "application/json" || kind == "application/problem+json" || kind == "text/plain")
}
