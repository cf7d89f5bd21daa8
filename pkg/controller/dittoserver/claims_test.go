// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func (f *fixture) storageClass(expandable bool) *string {
	f.t.Helper()
	class := &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{GenerateName: "c-"}, Provisioner: "example.com/p", AllowVolumeExpansion: ptr.To(expandable)}
	f.do(f.admin.Create(f.t.Context(), class))
	return &class.Name
}

func (f *fixture) requested(claim string) string {
	f.t.Helper()
	q := get(f, &corev1.PersistentVolumeClaim{}, claim).Spec.Resources.Requests[corev1.ResourceStorage]
	return q.String()
}

func TestAClaimGrowsAndTheTemplatesStay(t *testing.T) {
	f := newFixture(t)
	f.claim("metadata", "1Gi", f.storageClass(true))
	f.up()
	generation := f.set().Generation
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.MetadataSize = ptr.To(resource.MustParse("3Gi")) })
	f.host.take()
	f.reconcile()
	if got := f.requested("metadata-files-0"); got != "3Gi" {
		t.Errorf("the claim asks for %s", got)
	}
	if f.set().Generation != generation {
		t.Error("the StatefulSet was changed")
	}
	// The other one is a note on the StatefulSet of what its template was rendered from.
	if writes := f.host.take(); len(writes) != 2 || !strings.Contains(writes[1], "metadata-files-0") {
		t.Errorf("writes: %q", writes)
	}
	f.reconcile()
	if writes := f.host.take(); len(writes) != 0 {
		t.Errorf("the next pass wrote %q", writes)
	}
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionTrue, reasonResizingVolumes, "metadata-files-0 from 1Gi to 3Gi")
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
}

// The size of the cache in the configuration is made from that of the content volume, once.
func TestContentThatGrowsChangesNoConfiguration(t *testing.T) {
	f := newFixture(t)
	f.claim("content", "10Gi", f.storageClass(true))
	f.up()
	before, generation := f.config(), f.set().Generation
	if !strings.Contains(before, "default_remote_cache_size: 8589934560\n") {
		t.Errorf("the configuration is\n%s", before)
	}
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.ContentSize = ptr.To(resource.MustParse("30Gi")) })
	f.reconcile()
	f.reconcile()
	if got := f.requested("content-files-0"); got != "30Gi" {
		t.Errorf("the claim asks for %s", got)
	}
	if after := f.config(); after != before || f.set().Generation != generation {
		t.Errorf("the StatefulSet is at generation %d, it was %d; the configuration is\n%s\nit was\n%s", f.set().Generation, generation, after, before)
	}
}

func TestAClaimNeverShrinks(t *testing.T) {
	f := newFixture(t)
	f.claim("metadata", "5Gi", f.storageClass(true))
	f.reconcile()
	if got := f.requested("metadata-files-0"); got != "5Gi" {
		t.Errorf("the claim asks for %s", got)
	}
}

func TestARefusedExpansionIsReportedRetriedLaterAndBlocksNothing(t *testing.T) {
	f := newFixture(t)
	f.claim("content", "10Gi", f.storageClass(false))
	f.up()
	f.edit(func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Storage.ContentSize = ptr.To(resource.MustParse("20Gi"))
		s.Spec.Image = "example.com/dfs:1"
	})
	f.reconcile()
	if image := f.set().Spec.Template.Spec.Containers[0].Image; image != "example.com/dfs:1" {
		t.Errorf("the image is %s", image)
	}
	f.wantCondition(dittofsv1alpha1.ConditionStorageReady, metav1.ConditionFalse, reasonExpansionRefused, "content-files-0", "10Gi", "20Gi")
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonExpansionRefused)
	f.host.take()
	if res := f.reconcile(); res.RequeueAfter == 0 || res.RequeueAfter > expandRetry {
		t.Errorf("the next look is in %s", res.RequeueAfter)
	}
	if writes := f.host.take(); len(writes) != 0 {
		t.Errorf("the next pass wrote %q", writes)
	}
	f.clock.Step(expandRetry + time.Second)
	f.reconcile()
	if writes := f.host.take(); len(writes) != 1 {
		t.Errorf("after the pause the writes were %q", writes)
	}
}
