// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

// response is an answer as a test looks at it.
type response struct {
	code        int
	contentType string
	header      http.Header
	body        string
	value       any            // of a JSON body
	object      map[string]any // if it is one
}

// send asks a server at a base URL. A body of type string is sent as it is.
func send(ctx context.Context, t *testing.T, method, url, token string, body any) response {
	t.Helper()
	var payload io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		payload = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		payload = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, payload)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	out := response{code: res.StatusCode, header: res.Header, body: string(text)}
	out.contentType, _, _ = mime.ParseMediaType(res.Header.Get("Content-Type"))
	if json.Unmarshal(text, &out.value) == nil {
		out.object, _ = out.value.(map[string]any)
	}
	return out
}

// try asks this server.
func (s *server) try(method, path, token string, body any) response {
	s.t.Helper()
	return send(s.t.Context(), s.t, method, "http://"+s.address()+path, token, body)
}

// admin is a token of the controller.
func (s *server) admin() string {
	s.t.Helper()
	token, err := s.token(dfs.RoleAdmin)
	s.must(err)
	return token
}
