// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func newImage(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "example.com/dfs:1" }

func TestOnlyOneWordRequestsARollout(t *testing.T) {
	for _, value := range []string{"", "true", "Now", "later"} {
		t.Run("the value "+value, func(t *testing.T) {
			f := newFixture(t, onRequest)
			f.up()
			generation := f.set().Generation
			f.edit(newImage)
			f.annotate(dittofsv1alpha1.AnnotationRollout, value)
			f.reconcile()
			if f.set().Generation != generation {
				t.Error("it was carried out")
			}
			if _, still := f.server().Annotations[dittofsv1alpha1.AnnotationRollout]; !still {
				t.Error("the annotation, which nobody acted upon, was taken away")
			}
			f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonRolloutPending, "dittofs.io/rollout=now", "image")
		})
	}
}

func TestWhileAChangeWaitsTheRestIsDone(t *testing.T) {
	f := newFixture(t, onRequest)
	f.claim("metadata", "1Gi", f.storageClass(true))
	f.up()
	f.reconcile()
	generation := f.set().Generation
	f.edit(func(s *dittofsv1alpha1.DittoServer) {
		newImage(s)
		s.Spec.Storage.MetadataSize = ptr.To(resource.MustParse("2Gi"))
		s.Spec.AdapterServices.Type = corev1.ServiceTypeClusterIP
		s.Spec.NetworkPolicy.Enabled = ptr.To(false)
	})
	f.adapters(nfs(13049), smb(1445))
	f.reconcile()
	if f.set().Generation != generation {
		t.Error("the change did not wait")
	}
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonRolloutPending, "image")
	f.wantServices("files-adapter-nfs 13049->13049/TCP 2049->13049/TCP", smbService)
	if got := get(f, &corev1.Service{}, "files-adapter-nfs").Spec.Type; got != corev1.ServiceTypeClusterIP {
		t.Errorf("the Service is %s", got)
	}
	if got := f.requested("metadata-files-0"); got != "2Gi" {
		t.Errorf("the claim asks for %s", got)
	}
	if objects := f.server().Status.Objects; len(objects) == 0 {
		t.Error("the status lists no objects")
	}
	for _, o := range f.server().Status.Objects {
		if o.Kind == "NetworkPolicy" {
			t.Errorf("NetworkPolicy %s is still there", o.Name)
		}
	}
}
