// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
	"github.com/dittofs/dittofs-apiserver/test/standin"
)

// step is one request, sent to the stand-in and to the real server, and what may differ.
type step struct {
	method, path string
	as           string // admin unless said otherwise: operator, nobody, stranger (another secret), dated (expired)
	body         any    // a string is sent as it is
	// free are paths in the answer whose values are not compared, beside those that differ from server to server.
	free []string
	// words says that the text of a refusal is not compared: the stand-in has shorter ones.
	words bool
}

// The stand-in answers in the place of dfs in every other test of the project: what it says wrong, they all believe.
func TestTheStandInAnswersAsTheRealServer(t *testing.T) {
	s := newServerForConformance(t)
	base, stand := runStandIn(t, s)
	if stand.State != standin.StateRunning {
		t.Fatalf("the stand-in: %+v", stand)
	}
	for _, chapter := range chapters {
		t.Run(chapter.name, func(t *testing.T) {
			proves(t, fmt.Sprintf("%d requests get the same status, content type and body from the stand-in and from dfs", len(chapter.steps)))
			for _, step := range chapter.steps {
				token := s.tokenOf(step.as)
				truth := send(t.Context(), t, step.method, "http://"+s.address()+step.path, token, step.body)
				stand := send(t.Context(), t, step.method, base+step.path, token, step.body)
				for _, difference := range differences(step, truth, stand) {
					t.Errorf("%s %s %v as %q: %s", step.method, step.path, short(step.body), step.as, difference)
				}
			}
		})
	}
}

func newServerForConformance(t *testing.T) *server {
	t.Helper()
	proves(t, "the stand-in for the dfs API, which all other tests use, conforms to the real server")
	s := newServer(t)
	s.start()
	return s
}

// runStandIn runs a stand-in for the same server, from the same objects, until it has tried to start it.
func runStandIn(t *testing.T, s *server) (base string, status standin.ServerStatus) {
	t.Helper()
	pod := s.pod("pod-uid")
	objects := []runtime.Object{pod, &corev1.ConfigMap{ObjectMeta: s.meta(render.ConfigMapName(name)), Data: s.configMaps[render.ConfigMapName(name)]}}
	for _, secret := range s.secretObjects() {
		objects = append(objects, secret)
	}
	for _, v := range pod.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			objects = append(objects, &corev1.PersistentVolumeClaim{ObjectMeta: s.meta(v.PersistentVolumeClaim.ClaimName)})
		}
	}
	stand, err := standin.New(standin.Options{Client: fake.NewClientset(objects...)})
	s.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- stand.Run(ctx) }()
	web := httptest.NewServer(stand)
	t.Cleanup(func() {
		web.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	s.must(wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, bootTime, true, func(context.Context) (bool, error) {
		if servers := stand.Servers(); len(servers) == 1 {
			status = servers[0]
			return true, nil
		}
		return false, nil
	}))
	return web.URL + "/" + namespace + "/" + name, status
}

// tokenOf signs a token for a caller.
func (s *server) tokenOf(caller string) string {
	s.t.Helper()
	claims := dfs.Claims{Username: "dittofs-controller:1", Role: dfs.RoleAdmin, TTL: time.Minute, Now: time.Now()}
	secret := s.jwt()
	switch caller {
	case "nobody":
		return ""
	case "operator":
		claims.Role = dfs.RoleOperator
	case "stranger":
		secret = "x" + secret
	case "dated":
		claims.Now = claims.Now.Add(-time.Hour)
	}
	token, err := dfs.SignToken([]byte(secret), claims)
	s.must(err)
	return token
}

func short(body any) string {
	text := fmt.Sprint(body)
	if body == nil {
		return ""
	}
	return text[:min(len(text), 200)]
}

// differences compares what a client can notice.
func differences(st step, truth, stand response) []string {
	var out []string
	add := func(what string, r, s any) { out = append(out, fmt.Sprintf("%s: dfs %v, the stand-in %v", what, r, s)) }
	if truth.code != stand.code {
		add("status", fmt.Sprintf("%d %s", truth.code, short(truth.body)), fmt.Sprintf("%d %s", stand.code, short(stand.body)))
		return out
	}
	if truth.contentType != stand.contentType {
		add("content type", truth.contentType, stand.contentType)
	}
	for _, header := range []string{"Location", "Allow", "X-Dittofs-Apply"} {
		if r, s := truth.header.Values(header), stand.header.Values(header); (len(r) == 0) != (len(s) == 0) || header == "X-Dittofs-Apply" && !slices.Equal(r, s) {
			add("header "+header, r, s)
		}
	}
	switch {
	case truth.value == nil || stand.value == nil:
		if truth.body != stand.body && !st.words {
			add("body", fmt.Sprintf("%q", short(truth.body)), fmt.Sprintf("%q", short(stand.body)))
		}
	default:
		compare(st, "", truth.value, stand.value, add)
	}
	return out
}

// changing are fields whose values are different in any two servers.
var changing = []string{"id", "timestamp", "started_at", "uptime", "uptime_sec", "created_at", "updated_at", "checked_at", "last_login", "last_run_at",
	"access_token", "refresh_token", "expires_at", "snapshot_id", "metadata_store_id", "local_block_store_id", "remote_block_store_id"}

// compare goes down two bodies. Of a field that changes, only the type is compared.
func compare(st step, at string, truth, stand any, add func(string, any, any)) {
	if slices.Contains(st.free, at) {
		return
	}
	field := at[strings.LastIndex(at, ".")+1:]
	switch r := truth.(type) {
	case map[string]any:
		s, ok := stand.(map[string]any)
		if !ok {
			add(at, truth, stand)
			return
		}
		for key := range merged(r, s) {
			rv, inReal := r[key]
			sv, inStand := s[key]
			below := strings.TrimPrefix(at+"."+key, ".")
			switch {
			case slices.Contains(st.free, below) || key == "latency_ms": // left out when it is less than one
			case inReal != inStand:
				add(below, there(rv, inReal), there(sv, inStand))
			default:
				compare(st, below, rv, sv, add)
			}
		}
	case []any:
		s, ok := stand.([]any)
		if !ok || len(r) != len(s) {
			add(at, truth, stand)
			return
		}
		for i := range r {
			compare(st, at+"[]", r[i], s[i], add)
		}
	default:
		if fmt.Sprintf("%T", truth) != fmt.Sprintf("%T", stand) {
			add(at, fmt.Sprintf("%T %v", truth, truth), fmt.Sprintf("%T %v", stand, stand))
			return
		}
		if truth != stand && !slices.Contains(changing, field) && (!st.words || field != "detail") {
			add(at, truth, stand)
		}
	}
}

func there(v any, is bool) any {
	if !is {
		return "nothing"
	}
	return fmt.Sprintf("%v", v)
}

func merged(a, b map[string]any) map[string]bool {
	out := map[string]bool{}
	for key := range a {
		out[key] = true
	}
	for key := range b {
		out[key] = true
	}
	return out
}
