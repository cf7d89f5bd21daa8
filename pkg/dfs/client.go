// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package dfs is the client of the REST API of a running DittoFS server (the "dfs API"), and the only place that knows
// its paths and shapes. In go a base URL and a function that yields a token; out come typed answers or typed errors.
// It never looks an address up in Kubernetes, never follows a redirect, and never puts a token or a secret into an error.
package dfs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// DefaultTimeout bounds one call when Options leaves it open. Health and adapter calls answer within 5 s even when
	// the checks behind them hang, because dfs bounds those itself.
	DefaultTimeout = 10 * time.Second

	// MaxBodyBytes is the most that is read of any answer.
	MaxBodyBytes = 1 << 20

	apiPrefix = "/api/v1"
)

// Options is what a Client needs beside its address.
type Options struct {
	// Transport carries the requests. The default dials what the base URL names, with no proxy. For one particular pod,
	// use NewPodTransport.
	Transport http.RoundTripper

	// Token yields the access token of each authenticated call. Without it only Health and Ready can be called.
	Token func(context.Context) (string, error)

	// Timeout bounds one call, body included. Default DefaultTimeout.
	Timeout time.Duration
}

// Client calls one dfs API. It is safe for use by several goroutines.
type Client struct {
	base    *url.URL
	http    *http.Client
	token   func(context.Context) (string, error)
	timeout time.Duration
	called  func(error)
}

// New returns a client of the API under base, for example http://10.0.0.7:8080. A path in base is kept as a prefix.
func New(base string, opts Options) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil {
		return nil, errors.New("dfs: the base URL cannot be parsed")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("dfs: base URL scheme %q is neither http nor https", u.Scheme)
	case u.Host == "":
		return nil, errors.New("dfs: the base URL names no host")
	case u.User != nil:
		// A URL is printed in many places; credentials have no business in it.
		return nil, errors.New("dfs: the base URL must not carry credentials")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("dfs: the base URL must not carry a query or a fragment")
	}
	if opts.Transport == nil {
		opts.Transport = NewPodTransport("", nil)
	}
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	return &Client{
		base:    u,
		token:   opts.Token,
		timeout: opts.Timeout,
		http: &http.Client{
			Transport: opts.Transport,
			// Whoever answers in the place of dfs must not be able to send our token elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// CloseIdleConnections drops connections that no call uses. Call it when the server or its pod is gone.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// call is one exchange: method and path below the base, an optional JSON body, and where the answer goes.
type call struct {
	method, path string
	public       bool // sent without a token
	body, into   any  // nil: none
}

// OnCall has f called after each exchange, with the error that came of it or nil. It is set before the client is used.
func (c *Client) OnCall(f func(error)) { c.called = f }

func (c *Client) do(ctx context.Context, cl call) error {
	err := c.exchange(ctx, cl)
	if c.called != nil {
		c.called(err)
	}
	return err
}

func (c *Client) exchange(ctx context.Context, cl call) error {
	parent := ctx
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	req, token, err := c.newRequest(ctx, cl)
	if err != nil {
		return err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return transportError(parent, cl, err)
	}
	defer res.Body.Close()

	body, err := io.ReadAll(io.LimitReader(res.Body, MaxBodyBytes+1))
	if err != nil {
		return transportError(parent, cl, err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return newStatusError(cl, res, body, token)
	}
	if cl.into == nil {
		return nil
	}
	if len(body) > MaxBodyBytes {
		return &AnswerError{cl.method, cl.path, fmt.Sprintf("the body is larger than %d bytes", MaxBodyBytes)}
	}
	if mt := mediaType(res.Header); mt != "application/json" {
		return &AnswerError{cl.method, cl.path, fmt.Sprintf("status %d with content type %q instead of application/json", res.StatusCode, mt)}
	}
	if err := json.Unmarshal(body, cl.into); err != nil {
		// The text of a JSON error quotes at most a character, a number or a Go type, never a string of the body.
		return &AnswerError{cl.method, cl.path, "the body does not have the expected shape: " + err.Error()}
	}
	return nil
}

func (c *Client) newRequest(ctx context.Context, cl call) (*http.Request, string, error) {
	var payload io.Reader
	if cl.body != nil {
		b, err := json.Marshal(cl.body)
		if err != nil {
			return nil, "", fmt.Errorf("dfs: encode the body of %s %s: %w", cl.method, cl.path, err)
		}
		payload = bytes.NewReader(b)
	}
	// The path is joined as text: segments arrive escaped, and URL.JoinPath would clean away what an escape protects.
	req, err := http.NewRequestWithContext(ctx, cl.method, strings.TrimRight(c.base.String(), "/")+cl.path, payload)
	if err != nil {
		return nil, "", fmt.Errorf("dfs: build %s %s: %w", cl.method, cl.path, err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "dittofs-apiserver")
	if payload != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if cl.public {
		return req, "", nil
	}
	if c.token == nil {
		return nil, "", fmt.Errorf("dfs: %s %s needs a token and this client has none", cl.method, cl.path)
	}
	token, err := c.token(ctx)
	if err != nil {
		return nil, "", fmt.Errorf("dfs: token for %s %s: %w", cl.method, cl.path, err)
	}
	if token == "" || strings.ContainsAny(token, " \t\r\n") {
		return nil, "", fmt.Errorf("dfs: token for %s %s: not a token", cl.method, cl.path)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return req, token, nil
}

func mediaType(h http.Header) string {
	mt, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return mt
}
