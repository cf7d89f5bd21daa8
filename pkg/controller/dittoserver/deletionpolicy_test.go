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
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func deleteVolumes(s *dittofsv1alpha1.DittoServer) {
	s.Spec.DeletionPolicy.Volumes = dittofsv1alpha1.DeleteData
}

// claims are the names of those that nobody has deleted: one that is deleted stays for a while, with a finalizer.
func (f *fixture) claims() []string {
	f.t.Helper()
	list := &corev1.PersistentVolumeClaimList{}
	f.do(f.admin.List(f.t.Context(), list, client.InNamespace(f.key.Namespace)))
	var names []string
	for _, claim := range list.Items {
		if claim.DeletionTimestamp == nil {
			names = append(names, claim.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (f *fixture) wantClaims(want ...string) {
	f.t.Helper()
	if got := f.claims(); !slices.Equal(got, want) {
		f.t.Errorf("the claims are %q, want %q", got, want)
	}
}

// foreignClaim makes a claim that the server did not get from its StatefulSet.
func (f *fixture) foreignClaim(name string, labels map[string]string) {
	f.t.Helper()
	f.do(f.admin.Create(f.t.Context(), &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: f.key.Namespace, Name: name, Labels: labels},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
		},
	}))
}

var allClaims = []string{"content-files-0", "controlplane-files-0", "metadata-files-0"}

func TestDeleteTakesTheClaimsOfThisServerAlongWhenAskedAndNoOthers(t *testing.T) {
	f := newFixture(t, deleteVolumes)
	f.up()
	f.foreignClaim("metadata-other-0", render.SelectorLabels("other"))
	f.foreignClaim("data-files-0", render.SelectorLabels("files"))
	f.foreignClaim("cache-files-0", nil)
	others := []string{"cache-files-0", "data-files-0", "metadata-other-0"}
	f.deleteServer("")
	f.reconcile()
	f.wantClaims(slices.Sorted(slices.Values(append(allClaims, others...)))...) // the pod still writes to them
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonDeleting, "its claims with it", "deletionPolicy.volumes")
	f.losePod()
	f.host.take()
	f.reconcile()
	f.wantClaims(others...)
	writes := f.host.take()
	if len(writes) < 3 || slices.ContainsFunc(writes[len(writes)-3:], func(w string) bool { return !strings.Contains(w, "/persistentvolumeclaims/") }) {
		t.Errorf("the claims are not the last to go: %q", writes)
	}
	if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") {
		t.Error("the DittoServer is still there")
	}
	get(f, &corev1.Secret{}, "files-jwt-secret")
}

func TestAClaimUnderTheNameOfOursThatIsNotOursStays(t *testing.T) {
	for name, labels := range map[string]map[string]string{
		"without labels":                       nil,
		"with those of another server":         render.SelectorLabels("other"),
		"with the label of the instance alone": {dittofsv1alpha1.LabelInstance: "files"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, deleteVolumes)
			f.foreignClaim("content-files-0", labels)
			f.reconcile()
			f.runPod()
			f.wantClaims(allClaims...)
			f.deleteServer("")
			f.reconcile()
			f.losePod()
			f.reconcile()
			f.wantClaims("content-files-0")
		})
	}
}

// Whoever took the StatefulSet over runs on these volumes.
func TestClaimsOfAStatefulSetThatIsNotOursAnyMoreStay(t *testing.T) {
	f := newFixture(t, deleteVolumes)
	f.up()
	set := f.set()
	set.Labels = nil
	f.do(f.admin.Update(t.Context(), set))
	f.deleteServer("")
	f.reconcile()
	if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") {
		t.Error("the DittoServer is still there")
	}
	f.set()
	f.wantClaims(allClaims...)
}

func TestThePolicyDeletesNothingBeforeTheServerIsDeleted(t *testing.T) {
	f := newFixture(t, deleteVolumes)
	f.up()
	for _, change := range []func(*dittofsv1alpha1.DittoServer){
		func(s *dittofsv1alpha1.DittoServer) { s.Spec.Replicas = ptr.To[int32](0) },
		paused,
	} {
		f.edit(change)
		f.reconcile()
		f.wantClaims(allClaims...)
	}
}

func TestClaimsAreKept(t *testing.T) {
	for name, c := range map[string]struct {
		policy      dittofsv1alpha1.RetentionPolicy
		propagation metav1.DeletionPropagation
		stamp       string
	}{
		"with Retain":                      {policy: dittofsv1alpha1.RetainData},
		"with nothing said":                {},
		"with orphan, whatever the policy": {policy: dittofsv1alpha1.DeleteData, propagation: metav1.DeletePropagationOrphan},
		"in another namespace of the name": {policy: dittofsv1alpha1.DeleteData, stamp: "of-a-former-tenant"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.up()
			f.edit(func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.DeletionPolicy.Volumes = c.policy
				if c.stamp != "" {
					s.Annotations[dittofsv1alpha1.AnnotationNamespaceUID] = c.stamp
				}
			})
			f.deleteServer(c.propagation)
			f.losePod()
			f.reconcile()
			f.reconcile()
			if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") {
				t.Error("the DittoServer is still there")
			}
			f.wantClaims(allClaims...)
		})
	}
}
