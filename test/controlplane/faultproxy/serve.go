// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faultproxy

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

type contextKey struct{}

// passing is a request on its way.
type passing struct {
	Request
	cut bool
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	req := p.parse(r)
	index := p.record(req)
	delay, fault := p.find(req)
	if !sleep(r.Context(), delay) {
		panic(http.ErrAbortHandler)
	}
	through := &passing{Request: req}
	ctx, cancel := context.WithCancel(context.WithValue(r.Context(), contextKey{}, through))
	defer cancel()
	r = r.WithContext(ctx)
	if req.Verb == "watch" {
		defer p.watching(index, cancel)()
	}
	answer := &statusWriter{ResponseWriter: w}
	defer func() { p.setStatus(index, answer.status) }()
	switch {
	case fault == nil:
	case fault.Drop:
		panic(http.ErrAbortHandler)
	case fault.Hang:
		select {
		case <-fault.removed:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case fault.Swallow:
		// Whatever became of it, nobody hears.
		p.reverse.ServeHTTP(httptest.NewRecorder(), r)
		refuse(answer, http.StatusGatewayTimeout, 0)
		return
	case fault.Status != 0:
		refuse(answer, fault.Status, fault.RetryAfter)
		return
	case fault.Cut:
		through.cut = true
	}
	p.reverse.ServeHTTP(answer, r)
}

// parse reads a request as kube-apiserver does.
func (p *Proxy) parse(r *http.Request) Request {
	req := Request{UserAgent: r.UserAgent(), DryRun: r.URL.Query().Has("dryRun"), Verb: r.Method}
	if info, err := p.resolver.NewRequestInfo(r); err == nil {
		req.Verb = info.Verb
		if info.IsResourceRequest {
			req.Group, req.Resource, req.Subresource = info.APIGroup, info.Resource, info.Subresource
			req.Namespace, req.Name = info.Namespace, info.Name
		}
	}
	return req
}

// sleep waits unless the client leaves first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// refuse answers as kube-apiserver would.
func refuse(w http.ResponseWriter, code, retryAfter int) {
	status := metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: int32(code), Reason: metav1.StatusReason(reasons[code]),
		Message: "made by the fault proxy: " + http.StatusText(code),
	}
	w.Header().Set("Content-Type", "application/json")
	if retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter))
	}
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(status)
}

// answered looks at what kube-apiserver answers before it is passed on.
func (p *Proxy) answered(res *http.Response) error {
	through, ok := res.Request.Context().Value(contextKey{}).(*passing)
	switch {
	case !ok:
	case through.Verb == "watch":
		res.Body = &heldBody{ReadCloser: res.Body, p: p, watch: through.Request, ctx: res.Request.Context()}
	case through.cut:
		res.Body = &cutBody{ReadCloser: res.Body}
	}
	return nil
}

// heldBody is the stream of a watch. What has arrived while it is held is passed on afterwards, in its order.
type heldBody struct {
	io.ReadCloser
	p     *Proxy
	watch Request
	ctx   context.Context
}

func (b *heldBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	for fault := b.p.holding(b.watch); fault != nil && n > 0; fault = b.p.holding(b.watch) {
		select {
		case <-fault.removed:
		case <-b.ctx.Done():
			return 0, b.ctx.Err()
		}
	}
	return n, err
}

// cutBody breaks off in the middle.
type cutBody struct {
	io.ReadCloser
	read bool
}

func (b *cutBody) Read(into []byte) (int, error) {
	if b.read {
		return 0, io.ErrUnexpectedEOF
	}
	b.read = true
	n, _ := b.ReadCloser.Read(into)
	return n / 2, nil
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets the stream of a watch be flushed.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
