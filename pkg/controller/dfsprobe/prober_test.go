// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// firstRound is what is asked of a process that is met for the first time, roundAfter what is asked of it from then on.
var (
	roundAfter = []string{"GET /health", "GET /api/v1/adapters"}
	firstRound = append(slices.Clone(roundAfter), "GET /api/v1/adapters/nfs/settings", "GET /api/v1/settings/machine_sid",
		"GET /api/v1/settings/"+noteKey)
)

func TestAHealthyServerIsAskedOnceAnInterval(t *testing.T) {
	f := newFixture(t)
	o, wait := f.probe()
	if !o.Reached || !o.DatabaseReachable || o.Token != TokenAccepted || len(o.Adapters) != 1 || !o.Adapters[0].Serving || !o.FailingSince.IsZero() {
		t.Errorf("observed %+v", o)
	}
	if wait < DefaultInterval || wait > DefaultInterval*11/10 {
		t.Errorf("the next round is in %s", wait)
	}
	if f.dfs.users[0] != "dittofs-controller:server-uid" {
		t.Errorf("the token is for %s", f.dfs.users[0])
	}
	if calls := f.dfs.take(); !slices.Equal(calls, firstRound) {
		t.Errorf("the first calls were %v", calls)
	}
	for range 5 {
		f.probe()
	}
	if calls := f.dfs.take(); len(calls) != 0 {
		t.Errorf("events led to the calls %v", calls)
	}
	f.clock.Step(wait)
	f.probe()
	if calls := f.dfs.take(); !slices.Equal(calls, roundAfter) {
		t.Errorf("the calls were %v", calls)
	}
	if f.changes != 1 || f.reads != 1 {
		t.Errorf("%d changes were told, %d Secrets read; want one each", f.changes, f.reads)
	}
}

func TestADeadServerIsAskedLessAndLess(t *testing.T) {
	f := newFixture(t)
	f.probe()
	f.http.CloseClientConnections()
	f.http.Close()
	f.clock.Step(time.Minute)
	failed := f.clock.Now()
	lastGood := failed.Add(-time.Minute)
	var waits []time.Duration
	var o Observation
	for range 9 {
		var wait time.Duration
		o, wait = f.probe()
		waits = append(waits, wait)
		f.clock.Step(wait)
	}
	want := []int{5, 10, 20, 40, 80, 160, 300, 300, 300} // seconds
	for i := range want {
		if waits[i] != time.Duration(want[i])*time.Second {
			t.Fatalf("the waits were %v", waits)
		}
	}
	if !o.FailingSince.Equal(failed) || !o.LastSuccess.Equal(lastGood) || o.Failure != "connection refused" || !o.DatabaseReachable {
		t.Errorf("observed %+v, want failing since %s", o, failed)
	}
	if f.changes != 2 {
		t.Errorf("%d changes were told, want 2", f.changes)
	}
}

func TestANewPodIsAskedAtOnce(t *testing.T) {
	f := newFixture(t)
	f.probe()
	f.dfs.take()
	edit(f, &corev1.Pod{}, "files-0", func(p *corev1.Pod) { p.UID = "pod-2" })
	if o, _ := f.probe(); o.Pod != "pod-2" || len(f.dfs.take()) != len(firstRound) {
		t.Errorf("observed %+v", o)
	}
}

func TestAPodThatIsNotReadyIsAskedForItsHealthOnly(t *testing.T) {
	f := newFixture(t)
	edit(f, &corev1.Pod{}, "files-0", func(p *corev1.Pod) { p.Status.Conditions = nil })
	o, _ := f.probe()
	if calls := f.dfs.take(); len(calls) != 1 || calls[0] != "GET /health" || !o.Reached {
		t.Errorf("the calls were %v, observed %+v", calls, o)
	}
	f.http.Close()
	f.clock.Step(time.Hour)
	if o, _ = f.probe(); o.Failure == "" || !o.FailingSince.IsZero() {
		t.Errorf("observed %+v: a pod that starts does not fail", o)
	}
}

func TestWhoIsNotAsked(t *testing.T) {
	tests := []struct {
		name   string
		change func(f *fixture)
	}{
		{"a pod of somebody else", func(f *fixture) {
			edit(f, &corev1.Pod{}, "files-0", func(p *corev1.Pod) { p.OwnerReferences[0].UID = "other" })
		}},
		{"a pod without a controller", func(f *fixture) {
			edit(f, &corev1.Pod{}, "files-0", func(p *corev1.Pod) { p.OwnerReferences = nil })
		}},
		{"a pod without an address", func(f *fixture) {
			edit(f, &corev1.Pod{}, "files-0", func(p *corev1.Pod) { p.Status.PodIP = "" })
		}},
		{"a server in another namespace of the name", func(f *fixture) {
			edit(f, &dittofsv1alpha1.DittoServer{}, "files", func(s *dittofsv1alpha1.DittoServer) {
				s.Annotations[dittofsv1alpha1.AnnotationNamespaceUID] = "former"
			})
		}},
		{"a server that is deleted", func(f *fixture) {
			edit(f, &dittofsv1alpha1.DittoServer{}, "files", func(s *dittofsv1alpha1.DittoServer) { s.Finalizers = []string{dittofsv1alpha1.Finalizer} })
			f.do(f.c.Delete(f.t.Context(), &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "files"}}))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.probe()
			f.dfs.take()
			f.clock.Step(time.Hour)
			tt.change(f)
			if _, wait := f.probe(); wait != 0 {
				t.Errorf("it comes back in %s", wait)
			}
			if calls := f.dfs.take(); len(calls) != 0 {
				t.Errorf("the calls were %v", calls)
			}
			if _, known := f.p.Store.Get(f.key); known || f.changes != 2 {
				t.Errorf("an observation is left: %t; %d changes", known, f.changes)
			}
		})
	}
}

func TestAfterARotationTheRunningPodIsSpokenToWithItsOwnSecret(t *testing.T) {
	f := newFixture(t)
	f.probe()
	f.dfs.take()
	edit(f, &corev1.Secret{}, "files-jwt-secret", func(s *corev1.Secret) { s.Data[render.JWTSecretKey] = []byte(newSecret) })
	o, _ := f.probe()
	if calls := f.dfs.take(); o.Token != TokenAccepted || len(calls) != 2 {
		t.Errorf("observed %+v after the calls %v", o, calls)
	}
	// The container restarts and reads the new value.
	f.dfs.set(func(d *fakeDFS) { d.secret = newSecret })
	edit(f, &corev1.Pod{}, "files-0", func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: render.ContainerName, RestartCount: 1}}
	})
	f.dfs.take()
	if o, _ = f.probe(); o.Token != TokenAccepted || len(f.dfs.take()) != len(firstRound) {
		t.Errorf("observed %+v", o)
	}
}

func TestARefusedTokenIsNoLoop(t *testing.T) {
	tests := []struct {
		name  string
		stale bool
		skew  time.Duration
		want  Token
	}{
		{"of a pod with the current template it is a mismatch", false, 0, TokenRefused},
		{"of a pod that is about to be replaced it is pending", true, 0, TokenRestartPending},
		{"of a server that is ahead it is the clock", false, time.Hour, TokenClockSkew},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.dfs.secret, f.dfs.skew = newSecret, tt.skew
			if tt.stale {
				edit(f, &appsv1.StatefulSet{}, "files", func(s *appsv1.StatefulSet) {
					s.Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash] = "2"
				})
			}
			var asked int
			for elapsed := time.Duration(0); elapsed < 10*time.Minute; {
				o, wait := f.probe()
				if o.Token != tt.want || !o.Reached || o.AdaptersKnown {
					t.Fatalf("observed %+v", o)
				}
				asked++
				elapsed += wait
				f.clock.Step(wait)
			}
			if asked > 8 {
				t.Errorf("asked %d times in 10 minutes", asked)
			}
			if f.changes != 1 {
				t.Errorf("%d changes", f.changes)
			}
		})
	}
}

func TestTheURLTemplateReplacesTheAddress(t *testing.T) {
	f := newFixture(t)
	edit(f, &corev1.Pod{}, "files-0", func(p *corev1.Pod) { p.Status.PodIP = "" })
	f.p.URLTemplate = "http://gateway.example/{namespace}/{name}/{port}"
	var dialled Target
	f.p.Dial = func(t Target, _ *tls.Config, token func(context.Context) (string, error)) (API, error) {
		dialled = t
		return dfs.New(f.http.URL, dfs.Options{Token: token})
	}
	o, _ := f.probe()
	if !strings.HasPrefix(dialled.BaseURL, "http://gateway.example/ns/files/") || dialled.Address != "" || o.Token != TokenAccepted {
		t.Errorf("dialled %+v, observed %+v", dialled, o)
	}
}

func TestEachCallIsCountedForItsServer(t *testing.T) {
	f := newFixture(t)
	counted, failed := 0, 0
	f.p.Called = func(server types.NamespacedName, err error) {
		if server != f.key {
			t.Errorf("a call was counted for %s", server)
		}
		counted++
		if err != nil {
			failed++
		}
	}
	f.probe()
	if calls := f.dfs.take(); counted != len(calls) || failed != 0 {
		t.Errorf("%d calls were counted, %d of them failed; dfs had %q", counted, failed, calls)
	}
	f.dfs.set(func(d *fakeDFS) { d.broken = "/api/v1/adapters" })
	f.later()
	if failed != 1 {
		t.Errorf("%d failed calls were counted", failed)
	}
}
