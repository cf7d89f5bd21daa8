// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func paused(s *dittofsv1alpha1.DittoServer) { s.Spec.Paused = true }

func unpaused(s *dittofsv1alpha1.DittoServer) { s.Spec.Paused = false }

// wantStatusOnly checks that the only writes were those of the status.
func (f *fixture) wantStatusOnly() {
	f.t.Helper()
	own := slices.DeleteFunc(f.own.take(), func(w string) bool { return strings.HasSuffix(w, "/dittoservers/files/status") })
	if writes := append(f.host.take(), own...); len(writes) > 0 {
		f.t.Errorf("there were writes: %q", writes)
	}
}

func TestPausedFromTheStartNothingIsMade(t *testing.T) {
	f := newFixture(t, paused)
	for range 2 {
		f.reconcile()
	}
	f.wantStatusOnly()
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonPaused, "spec.paused")
	f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionUnknown, reasonPaused)
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonNotCreated)
	f.edit(unpaused)
	f.up()
}

func TestPausedNothingIsWrittenWhateverHappens(t *testing.T) {
	for name, change := range map[string]func(*fixture){
		"an edit of what the pod runs": func(f *fixture) { f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "example.com/dfs:1" }) },
		"an edit of what restarts nothing": func(f *fixture) {
			f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Service.Labels = map[string]string{"a": "b"} })
		},
		"a larger volume": func(f *fixture) {
			f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.MetadataSize = ptr.To(resource.MustParse("2Gi")) })
		},
		"a request for a rollout": func(f *fixture) { f.annotate(dittofsv1alpha1.AnnotationRollout, dittofsv1alpha1.RolloutNow) },
		"drift in an object of ours": func(f *fixture) {
			set := f.set()
			set.Spec.Template.Spec.Containers[0].Image = "x"
			f.do(f.admin.Update(f.t.Context(), set))
		},
		"an object of ours that is deleted": func(f *fixture) { f.do(f.admin.Delete(f.t.Context(), get(f, &corev1.Service{}, "files-api"))) },
		"an adapter that is switched on":    func(f *fixture) { f.adapters(smb(1445)) },
		"an adapter that is switched off":   func(f *fixture) { f.adapters() },
		"a rotated Secret": func(f *fixture) {
			secret := get(f, &corev1.Secret{}, "files-jwt-secret")
			secret.StringData = map[string]string{render.JWTSecretKey: "another-secret-of-more-than-32-bytes"}
			f.do(f.admin.Update(f.t.Context(), secret))
		},
		"a newer release": func(f *fixture) { f.rec.Render = newerRelease },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.up()
			f.reconcile()
			f.edit(paused)
			f.host.take()
			f.own.take()
			change(f)
			for range 2 {
				f.reconcile()
			}
			f.wantStatusOnly()
			f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonPaused, "spec.paused")
		})
	}
}

// What waits in the spec is not what runs.
func TestPausedTheStatusTellsOfThePodThatRuns(t *testing.T) {
	f := newFixture(t, withoutContent)
	f.up()
	f.edit(func(s *dittofsv1alpha1.DittoServer) {
		paused(s)
		s.Spec.Replicas, s.Spec.ControlPlane.Port = ptr.To[int32](0), ptr.To[int32](9443)
		s.Spec.Storage.ContentSize = ptr.To(resource.MustParse("5Gi"))
	})
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonPaused)
	f.wantCondition(dittofsv1alpha1.ConditionAvailable, metav1.ConditionTrue, reasonPodReady)
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
	if url := f.server().Status.Endpoints.API; !strings.HasSuffix(url, ":8080") {
		t.Errorf("the endpoint is %s", url)
	}
}

func TestUnpausedItGoesOn(t *testing.T) {
	f := newFixture(t)
	f.up()
	objects := f.server().Status.Objects
	f.edit(paused)
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "example.com/dfs:1" })
	f.do(f.admin.Delete(t.Context(), get(f, &corev1.Service{}, "files-api")))
	f.events.take()
	f.reconcile()
	if events := f.events.take(); !hasPrefix(events, "Normal Paused") {
		t.Errorf("events were %q", events)
	}
	if len(objects) == 0 || !slices.Equal(f.server().Status.Objects, objects) {
		t.Errorf("status.objects went from %v to %v", objects, f.server().Status.Objects)
	}
	f.edit(unpaused)
	f.reconcile()
	if image := f.set().Spec.Template.Spec.Containers[0].Image; image != "example.com/dfs:1" {
		t.Errorf("the image is %s", image)
	}
	get(f, &corev1.Service{}, "files-api")
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionTrue, reasonRollingOut)
}

func TestPausedADeleteIsCarriedOut(t *testing.T) {
	f := newFixture(t)
	pod := f.up()
	f.edit(paused)
	f.reconcile()
	f.deleteServer("")
	f.reconcile()
	if !f.gone(&appsv1.StatefulSet{}, "files") {
		t.Error("the StatefulSet is still there")
	}
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionTrue, reasonDeleting, "files-0")
	f.do(f.admin.Delete(t.Context(), pod, client.GracePeriodSeconds(0)))
	f.reconcile()
	if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") || !f.gone(&corev1.Service{}, "files-api") {
		t.Error("something is left")
	}
}

func TestPausedTheDatabaseOfPerconaIsLeftAlone(t *testing.T) {
	f := newPercona(t)
	f.serves()
	version, recorded := f.live().GetResourceVersion(), f.server().Status.Database
	f.edit(func(s *dittofsv1alpha1.DittoServer) {
		paused(s)
		s.Spec.Percona.Replicas = ptr.To[int32](3)
	})
	f.host.take()
	f.own.take()
	f.reconcile()
	f.wantStatusOnly()
	if f.live().GetResourceVersion() != version {
		t.Error("the cluster was changed")
	}
	if now := f.server().Status.Database; now == nil || *now != *recorded {
		t.Errorf("the database on record went from %+v to %+v", recorded, now)
	}
	f.edit(unpaused)
	f.reconcile()
	if replicas := instance(f.live(), "replicas"); replicas != int64(3) {
		t.Errorf("the cluster has %v replicas", replicas)
	}
}
