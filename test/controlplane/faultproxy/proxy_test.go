// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faultproxy

import (
	"bufio"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"
)

type fixture struct {
	t        *testing.T
	p        *Proxy
	client   *http.Client
	got      atomic.Int32
	announce chan string // what a watch says
}

func newFixture(t *testing.T) *fixture {
	f := &fixture{t: t, announce: make(chan string)}
	upstream := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.got.Add(1)
		if r.URL.Query().Get("watch") == "" {
			fmt.Fprintf(w, "%s for %s", r.Method, r.Header.Get("Authorization"))
			return
		}
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		for {
			select {
			case line := <-f.announce:
				fmt.Fprintln(w, line)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}))
	t.Cleanup(upstream.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: upstream.Certificate().Raw})
	var err error
	if f.p, err = Start(&rest.Config{Host: upstream.URL, TLSClientConfig: rest.TLSClientConfig{CAData: ca}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.p.Close() })
	f.client, err = rest.HTTPClientFor(&rest.Config{BearerToken: "mine", TLSClientConfig: rest.TLSClientConfig{CAData: f.p.CA}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

const configMaps = "/api/v1/namespaces/a/configmaps"

func (f *fixture) send(method, path string) (int, string, error) {
	f.t.Helper()
	req, err := http.NewRequestWithContext(f.t.Context(), method, f.p.URL+path, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	res, err := f.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

func TestWhatAFaultDoesToARequest(t *testing.T) {
	for _, c := range []struct {
		name    string
		fault   Fault
		status  int // 0: an error instead of an answer
		reached int32
	}{
		{"another verb passes", Fault{Match: func(r Request) bool { return r.Verb == "delete" }, Status: 500}, 200, 1},
		{"a status comes in the place of kube-apiserver's", Fault{Status: 409}, 409, 0},
		{"a delay ends", Fault{Delay: time.Millisecond}, 200, 1},
		{"the first ones may pass", Fault{Skip: 1, Status: 500}, 200, 1},
		{"a dropped request arrives nowhere", Fault{Drop: true}, 0, 0},
		{"a cut answer was given", Fault{Cut: true}, 0, 1},
		{"what is swallowed has happened", Fault{Swallow: true}, 504, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			defer f.p.Add(c.fault).Remove()
			status, body, err := f.send(http.MethodPost, configMaps)
			if (err == nil) != (c.status != 0) || err == nil && status != c.status {
				t.Errorf("got %d %q, %v, want %d", status, body, err, c.status)
			}
			if f.got.Load() != c.reached {
				t.Errorf("%d requests came through, want %d", f.got.Load(), c.reached)
			}
			if err == nil && status == http.StatusOK && body != "POST for Bearer mine" {
				t.Errorf("the token did not come through: %q", body)
			}
			records := f.p.Records()
			if len(records) != 1 || records[0].Verb != "create" || records[0].Resource != "configmaps" || records[0].Namespace != "a" {
				t.Errorf("recorded %+v", records)
			}
		})
	}
}

func TestAFaultEndsWithItsCount(t *testing.T) {
	f := newFixture(t)
	fault := f.p.Add(Fault{Count: 2, Status: 503, RetryAfter: 1})
	for i, want := range []int{503, 503, 200} {
		if status, _, err := f.send(http.MethodGet, configMaps); status != want {
			t.Errorf("answer %d is %d (%v), want %d", i, status, err, want)
		}
	}
	if fault.Hits() != 2 {
		t.Errorf("%d hits", fault.Hits())
	}
}

func TestAWatchIsHeldBackAndGoesOnAndIsDropped(t *testing.T) {
	f := newFixture(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.p.URL+configMaps+"?watch=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := f.client.Do(req) //nolint:bodyclose // it is closed; the linter loses sight of it in the goroutine
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := make(chan string)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(res.Body); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	f.announce <- "one"
	if got := <-lines; got != "one" {
		t.Errorf("got %q", got)
	}
	hold := f.p.Add(Fault{Hold: true, Match: func(r Request) bool { return r.Resource == "configmaps" }})
	f.announce <- "two"
	// Other requests go on, and their answer comes after what the watch would have said.
	if status, _, err := f.send(http.MethodGet, configMaps); status != http.StatusOK {
		t.Errorf("a read is answered with %d, %v", status, err)
	}
	select {
	case got := <-lines:
		t.Errorf("the watch says %q while it is held", got)
	default:
	}
	hold.Remove()
	if got := <-lines; got != "two" {
		t.Errorf("got %q", got)
	}
	if n := f.p.DropWatches(nil); n != 1 {
		t.Errorf("%d watches were dropped", n)
	}
	if got, more := <-lines; more {
		t.Errorf("the dropped watch says %q", got)
	}
}
