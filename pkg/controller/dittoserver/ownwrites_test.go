// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
)

// A fault comes and goes faster than the cache follows: by the object in the cache, the status says already that all is well.
func TestAStatusThatTheCacheDoesNotShowYetIsNotLeftBehind(t *testing.T) {
	f := newFixture(t)
	pod := f.up()
	fresh, old := f.rec.Servers, f.server()

	f.seen.Put(f.key, dfsprobe.Observation{Pod: pod.UID, Reached: true, Database: "gone", Token: dfsprobe.TokenAccepted, LastSuccess: f.clock.Now()})
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonDatabaseUnreached)

	f.healthy(pod)
	f.rec.Servers = &oldServer{fresh, old}
	if res := f.reconcile(); res.RequeueAfter != cacheLag {
		t.Errorf("the next look is in %s, want %s", res.RequeueAfter, cacheLag)
	}
	f.rec.Servers = fresh
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
}
