// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
)

// restart forgets what a process has in its memory.
func (f *fixture) restart() {
	old := f.rec
	f.rec = &Reconciler{
		Servers: old.Servers, Host: old.Host, Live: old.Live, Events: old.Events, Observations: old.Observations, Clock: old.Clock,
		Applier: &apply.Applier{Cached: old.Host, Live: old.Host, Writer: old.Host}, ObserveOnly: old.ObserveOnly,
	}
}

func TestEventsTellOfChangesAndNotOfPasses(t *testing.T) {
	tests := []struct {
		name    string
		happens func(f *fixture, pod *corev1.Pod)
		says    string
	}{
		{"a Secret is lost", func(f *fixture, _ *corev1.Pod) {
			f.do(f.admin.Delete(t.Context(), get(f, &corev1.Secret{}, "mine")))
		}, "Warning " + reasonSecretNotFound},
		{"dfs ends again and again", func(f *fixture, pod *corev1.Pod) {
			pod.Status.Conditions = nil
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "dittofs", RestartCount: 2,
				State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}}}
			f.do(f.admin.Status().Update(t.Context(), pod))
		}, "Warning " + reasonCrashLooping},
		{"dfs is silent", func(f *fixture, _ *corev1.Pod) {
			f.observe(func(seen *dfsprobe.Observation) {
				seen.FailingSince, seen.Failure = f.clock.Now().Add(-time.Hour), "no answer in time"
			})
		}, "Warning " + reasonDFSUnreachable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, ownJWT)
			f.secret("mine", map[string]string{"k": goodSecret})
			pod := f.up()
			f.reconcile()
			f.events.take()
			tt.happens(f, pod)
			f.reconcile()
			if events := f.events.take(); len(events) != 1 || !hasPrefix(events, tt.says) {
				t.Errorf("events were %q, want one that says %s", events, tt.says)
			}
			f.own.take()
			f.host.take()
			for i := range 4 {
				if i == 2 {
					f.restart()
				}
				f.clock.Step(5 * time.Second)
				f.reconcile()
			}
			if own, host, events := f.own.take(), f.host.take(), f.events.take(); len(own)+len(host)+len(events) > 0 {
				t.Errorf("passes that found nothing new wrote %q and %q and said %q", own, host, events)
			}
		})
	}
}
