// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

const contentClaim = "content-files-0"

func withoutContent(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.ContentSize = nil }

func (f *fixture) addContent() {
	f.t.Helper()
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.ContentSize = ptr.To(resource.MustParse("5Gi")) })
}

// answers is what the server says of its local block stores under the path of the content volume.
func (f *fixture) answers(pod *corev1.Pod, stores ...string) {
	f.t.Helper()
	f.healthy(pod)
	seen, _ := f.seen.Get(f.key)
	seen.ContentKnown, seen.ContentStores = true, stores
	f.seen.Put(f.key, seen)
}

func (f *fixture) mountsContent() bool {
	f.t.Helper()
	return slices.ContainsFunc(f.set().Spec.Template.Spec.Containers[0].VolumeMounts, func(m corev1.VolumeMount) bool {
		return m.MountPath == render.ContentPath
	})
}

func TestAContentVolumeThatIsAddedLaterGetsItsClaimAndIsMounted(t *testing.T) {
	f := newFixture(t, withoutContent)
	pod := f.up()
	templates := len(f.set().Spec.VolumeClaimTemplates)
	f.addContent()
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonVolumePending, "it is being asked")
	if f.mountsContent() || !f.gone(&corev1.PersistentVolumeClaim{}, contentClaim) {
		t.Fatal("the volume came before the server had been asked")
	}
	f.answers(pod)
	f.host.take()
	f.reconcile()
	writes := f.host.take()
	claim := slices.IndexFunc(writes, func(w string) bool { return strings.Contains(w, "persistentvolumeclaims") })
	set := slices.IndexFunc(writes, func(w string) bool {
		return strings.Contains(w, "statefulsets/files") && !strings.Contains(w, "dryRun")
	})
	if claim < 0 || set < claim {
		t.Errorf("the claim has to come before the template that names it: %q", writes)
	}
	if !f.mountsContent() || len(f.set().Spec.VolumeClaimTemplates) != templates {
		t.Error("the StatefulSet lacks the volume, or has other templates than it was made with")
	}
	if got := f.requested(contentClaim); got != "5Gi" {
		t.Errorf("the claim asks for %s", got)
	}
	f.reconcile()
	f.host.take()
	f.reconcile()
	if writes := f.host.take(); len(writes) != 0 {
		t.Errorf("at rest it wrote %q", writes)
	}
	// The volume is there for good: nobody is asked again, and a lost claim is made anew.
	f.do(f.admin.Delete(t.Context(), pod))
	f.reconcile()
	if !f.mountsContent() {
		t.Error("the volume went away with the pod")
	}
}

func TestALocalStoreOnTheContainerLayerHoldsTheContentVolumeBack(t *testing.T) {
	f := newFixture(t, withoutContent)
	pod := f.up()
	f.addContent()
	f.answers(pod, "/data/store/block/a")
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionStorageReady, metav1.ConditionFalse, reasonContentNotOnVolume, "/data/store/block/a")
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonContentNotOnVolume)
	if f.mountsContent() || !f.gone(&corev1.PersistentVolumeClaim{}, contentClaim) {
		t.Fatal("the volume hides the store")
	}
	f.answers(pod)
	f.reconcile()
	if !f.mountsContent() {
		t.Error("the store is gone, and the volume still held back")
	}
}

func TestAServerStaysReadyWhileItsContentVolumeWaitsForARequest(t *testing.T) {
	f := newFixture(t, withoutContent, func(s *dittofsv1alpha1.DittoServer) { s.Spec.Rollout = dittofsv1alpha1.RolloutOnRequest })
	pod := f.up()
	f.addContent()
	f.answers(pod)
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonRolloutPending)
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
	if f.mountsContent() || !f.gone(&corev1.PersistentVolumeClaim{}, contentClaim) {
		t.Error("the volume came unasked")
	}
}

func TestSomebodyElsesContentClaimIsLeftAlone(t *testing.T) {
	f := newFixture(t, withoutContent)
	pod := f.up()
	f.do(f.admin.Create(t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.key.Namespace, Name: contentClaim},
		Spec: corev1.PersistentVolumeClaimSpec{AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}}},
	}))
	f.addContent()
	f.answers(pod)
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionStorageReady, metav1.ConditionFalse, reasonNameConflict, contentClaim)
	if f.mountsContent() {
		t.Error("the pod was given a claim that is not ours")
	}
}
