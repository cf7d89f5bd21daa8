// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package buckettest runs a service that speaks S3, over TLS with an authority of its own, in the process of a test. What it
// does wrong is up to the test. It sets the environment that leads to it, and is imported by tests only.
package buckettest

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

const (
	// Bucket is there from the beginning.
	Bucket = "backups"
	// KeyID and Secret are the credentials in the environment.
	KeyID, Secret = "AKIDTEST", "do-not-tell-this-one"
)

// Fault answers a request in place of the service, or returns false.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// Service is one that runs.
type Service struct {
	URL, CAFile string
	backend     gofakes3.Backend
	fault       atomic.Pointer[Fault]
}

// Start runs a service until the test is over.
func Start(t testing.TB) *Service {
	t.Helper()
	s := &Service{backend: s3mem.New()}
	if err := s.backend.CreateBucket(Bucket); err != nil {
		t.Fatal(err)
	}
	fake := gofakes3.New(s.backend, gofakes3.WithoutVersioning()).Server()
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault := s.fault.Load(); fault != nil && (*fault)(w, r) {
			return
		}
		fake.ServeHTTP(w, r)
	}))
	web.StartTLS()
	t.Cleanup(web.Close)
	s.URL, s.CAFile = web.URL, filepath.Join(t.TempDir(), "ca.crt")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: web.Certificate().Raw})
	if err := os.WriteFile(s.CAFile, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	Environment(t, map[string]string{
		"AWS_ENDPOINT_URL": s.URL, "AWS_CA_BUNDLE": s.CAFile, "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": KeyID, "AWS_SECRET_ACCESS_KEY": Secret,
	})
	return s
}

// Environment sets these variables for the test and no other that begins with AWS_. HOME has no configuration, and no machine
// is asked for its role.
func Environment(t testing.TB, variables map[string]string) {
	t.Helper()
	for _, set := range os.Environ() {
		if name, _, _ := strings.Cut(set, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

// Break has the service do something wrong from now on; nil ends it.
func (s *Service) Break(fault Fault) {
	if fault == nil {
		s.fault.Store(nil)
		return
	}
	s.fault.Store(&fault)
}

// Put puts an object there, past the protocol.
func (s *Service) Put(t testing.TB, key string, content []byte) {
	t.Helper()
	if _, err := s.backend.PutObject(Bucket, key, map[string]string{"Last-Modified": "Fri, 02 Jan 2026 03:04:05 GMT"}, bytes.NewReader(content), int64(len(content)), nil); err != nil {
		t.Fatal(err)
	}
}

// Get is what an object holds.
func (s *Service) Get(t testing.TB, key string) []byte {
	t.Helper()
	object, err := s.backend.GetObject(Bucket, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = object.Contents.Close() }()
	content, err := io.ReadAll(object.Contents)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Keys are those of all objects, in order.
func (s *Service) Keys(t testing.TB) []string {
	t.Helper()
	found, err := s.backend.ListBucket(Bucket, nil, gofakes3.ListBucketPage{})
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{}
	for _, object := range found.Contents {
		keys = append(keys, object.Key)
	}
	slices.Sort(keys)
	return keys
}

// WantKeys fails the test if others are there.
func (s *Service) WantKeys(t testing.TB, keys ...string) {
	t.Helper()
	if found := s.Keys(t); !slices.Equal(found, keys) {
		t.Errorf("the bucket has %q, want %q", found, keys)
	}
}

// Refuse answers as S3 does, where when holds.
func Refuse(status int, code string, when func(*http.Request) bool) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !when(r) {
			return false
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>the service says %s</Message></Error>", code, code)
		return true
	}
}

// Cut ends the connection after some of the request, where when holds.
func Cut(when func(*http.Request) bool) Fault {
	return func(_ http.ResponseWriter, r *http.Request) bool {
		if !when(r) {
			return false
		}
		_, _ = io.CopyN(io.Discard, r.Body, 1024) // as far as it goes
		panic(http.ErrAbortHandler)
	}
}

// Any holds for every request.
func Any(*http.Request) bool { return true }

// Method holds for requests with a method.
func Method(name string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == name }
}
