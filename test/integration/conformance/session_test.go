// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// session makes the requests of one behaviour to one kind, in a namespace of its own, and records the answers. They
// are plain HTTP requests, to see what clients hide.
type session struct {
	t         *testing.T
	kind      *kind
	namespace string
	client    *http.Client
	// lines are what the table tells; shapes are compared between kinds besides.
	lines, shapes []string
}

func newSession(t *testing.T, k *kind) *session {
	t.Helper()
	return &session{t: t, kind: k, namespace: cluster.Namespace(t), client: clientOf(t, cluster.Admin)}
}

func clientOf(t *testing.T, user *harness.User) *http.Client {
	t.Helper()
	config := rest.CopyConfig(user.Config)
	// Accept and Accept-Encoding are the behaviours' own.
	config.DisableCompression = true
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// request is built by options.
type request struct {
	client *http.Client
	query  url.Values
	header http.Header
	body   []byte
	// loose leaves messages and the like out of the comparison.
	loose bool
}

type option func(*session, *request)

func query(pairs ...string) option {
	return func(_ *session, r *request) {
		for i := 0; i < len(pairs); i += 2 {
			r.query.Add(pairs[i], pairs[i+1])
		}
	}
}

func header(name, value string) option {
	return func(_ *session, r *request) { r.header.Set(name, value) }
}

func accept(mediaType string) option { return header("Accept", mediaType) }

// raw sends a body of any type.
func raw(mediaType, text string) option {
	return func(_ *session, r *request) {
		r.body = []byte(text)
		r.header.Set("Content-Type", mediaType)
	}
}

// body sends JSON.
func body(value any) option { return patch("application/json", value) }

// patch sends JSON under the name of a kind of patch.
func patch(mediaType string, value any) option {
	return func(s *session, r *request) {
		data, err := json.Marshal(value)
		if err != nil {
			s.t.Fatal(err)
		}
		raw(mediaType, string(data))(s, r)
	}
}

func as(user *harness.User) option {
	return func(s *session, r *request) { r.client = clientOf(s.t, user) }
}

// loose is for messages that have to differ, since they quote fields of the kind.
func loose(_ *session, r *request) { r.loose = true }

// all is the path of the objects in the namespace.
func (s *session) all() string {
	return s.kind.root + "/namespaces/" + s.namespace + "/" + s.kind.resource
}

// at is the path of one object or of a subresource.
func (s *session) at(name string, subresource ...string) string {
	return strings.Join(append([]string{s.all(), name}, subresource...), "/")
}

// answer is what came back.
type answer struct {
	code   int
	header http.Header
	body   []byte
	// json is the body as an object, if it is one.
	json object
}

func (s *session) open(ctx context.Context, method, path string, options []option) (*http.Response, *request) {
	s.t.Helper()
	r := &request{client: s.client, query: url.Values{}, header: http.Header{}}
	for _, option := range options {
		option(s, r)
	}
	target := cluster.Admin.Config.Host + path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	call, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(r.body))
	if err != nil {
		s.t.Fatal(err)
	}
	call.Header = r.header
	response, err := r.client.Do(call)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, target, err)
	}
	return response, r
}

func (s *session) exchange(method, path string, options []option) (answer, *request) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), harness.PatienceLimit)
	defer cancel()
	response, r := s.open(ctx, method, path, options)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	a := answer{code: response.StatusCode, header: response.Header, body: data}
	if err := json.Unmarshal(data, &a.json); err != nil {
		a.json = nil
	}
	return a, r
}

// send makes a request and records its answer under a name.
func (s *session) send(step, method, path string, options ...option) answer {
	s.t.Helper()
	a, r := s.exchange(method, path, options)
	s.lines = append(s.lines, step+": "+s.summary(a))
	if !r.loose {
		s.shapes = append(s.shapes, step+": "+s.shape(a))
	}
	return a
}

// do makes a request that prepares others, and is to succeed.
func (s *session) do(method, path string, options ...option) answer {
	s.t.Helper()
	a, _ := s.exchange(method, path, options)
	if a.code >= http.StatusMultipleChoices {
		s.t.Fatalf("%s %s: %d: %s", method, path, a.code, a.body)
	}
	return a
}

// note records something that the test found out.
func (s *session) note(format string, args ...any) {
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

// change is something else about an object than the least.
type change func(*session, object)

func with(value any, path ...string) change {
	return func(_ *session, target object) { set(target, value, path...) }
}

// second sets the field of the kind to its second value.
func second(s *session, target object) { set(target, s.kind.values[1], s.kind.field...) }

// object is the least valid one of this name, unless changed. Without a name it has none.
func (s *session) object(name string, changes ...change) object {
	target := s.kind.payload()
	target["apiVersion"], target["kind"], target["metadata"] = s.kind.apiVersion, s.kind.name, object{}
	if name != "" {
		set(target, name, "metadata", "name")
	}
	for _, change := range changes {
		change(s, target)
	}
	return target
}

// make stores an object, and returns it.
func (s *session) make(name string, changes ...change) object {
	s.t.Helper()
	return s.do(http.MethodPost, s.all(), body(s.object(name, changes...))).json
}

// read gets an object.
func (s *session) read(name string) object {
	s.t.Helper()
	return s.do(http.MethodGet, s.at(name)).json
}

// release takes our finalizer from an object, as our controllers do once nothing is left to tear down. Of other
// kinds nobody holds any.
func (s *session) release(name string) {
	s.t.Helper()
	if s.kind != dittoServer {
		return
	}
	target := s.read(name)
	ownRecords(target["metadata"].(object))
	finalizers := lookup(target, "metadata", "finalizers")
	s.do(http.MethodPatch, s.at(name, "finalize"), patch("application/merge-patch+json", object{"metadata": object{"finalizers": finalizers}}))
}

func version(target object) string {
	text, _ := lookup(target, "metadata", "resourceVersion").(string)
	return text
}
