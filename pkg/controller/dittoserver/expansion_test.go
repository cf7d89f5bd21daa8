// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestAnExpansionThatDoesNotComeAboutIsSaid(t *testing.T) {
	resize := func(state corev1.ClaimResourceStatus, conditions ...corev1.PersistentVolumeClaimCondition) func(*view) {
		return func(v *view) {
			claim := boundClaim("2Gi", "1Gi")
			claim.Status.AllocatedResourceStatuses = map[corev1.ResourceName]corev1.ClaimResourceStatus{corev1.ResourceStorage: state}
			claim.Status.Conditions = conditions
			v.volumes[0].claim = claim
		}
	}
	condition := func(kind corev1.PersistentVolumeClaimConditionType, message string) corev1.PersistentVolumeClaimCondition {
		return corev1.PersistentVolumeClaimCondition{Type: kind, Status: corev1.ConditionTrue, Message: message}
	}
	tests := []struct {
		name   string
		change func(*view)
		reason string
		ready  metav1.ConditionStatus
		says   string
		volume string // what the status says of it
	}{
		{"the storage is asked", resize(corev1.PersistentVolumeClaimControllerResizeInProgress), reasonResizingVolumes, metav1.ConditionTrue,
			"metadata-files-0 from 1Gi to 2Gi", "being asked for more"},
		{"the node has yet to come to it", resize("", condition(corev1.PersistentVolumeClaimFileSystemResizePending, "Waiting for user to (re-)start a pod")),
			reasonResizingVolumes, metav1.ConditionTrue, "from 1Gi to 2Gi", "when the node gets to it"},
		{"the storage has no room", resize(corev1.PersistentVolumeClaimControllerResizeInfeasible,
			condition(corev1.PersistentVolumeClaimControllerResizeError, "pool is full")), reasonExpansionFailed, metav1.ConditionFalse,
			"cannot provide that: pool is full.", "pool is full"},
		{"the node cannot do it", resize(corev1.PersistentVolumeClaimNodeResizeInfeasible,
			condition(corev1.PersistentVolumeClaimNodeResizeError, "resize2fs: no")), reasonExpansionFailed, metav1.ConditionFalse,
			"file system of metadata-files-0 from 1Gi to 2Gi: resize2fs: no.", "resize2fs"},
		{"it fails and is tried again", resize(corev1.PersistentVolumeClaimControllerResizeInProgress,
			condition(corev1.PersistentVolumeClaimControllerResizeError, "timeout")), reasonExpansionFailed, metav1.ConditionFalse, "timeout.", "timeout"},
		{"it takes for ever", func(v *view) {
			resize("")(v)
			v.server.Status, _ = v.status()
			v.now = v.now.Add(expansionPatience)
		}, reasonExpansionStuck, metav1.ConditionTrue, "longer than 15m0s", "waiting for the storage"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := good()
			tt.change(&v)
			status, _ := v.status()
			c := meta.FindStatusCondition(status.Conditions, dittofsv1alpha1.ConditionStorageReady)
			if c.Status != metav1.ConditionFalse || c.Reason != tt.reason || !strings.Contains(c.Message, tt.says) {
				t.Errorf("StorageReady is %s, %s: %s", c.Status, c.Reason, c.Message)
			}
			if c := meta.FindStatusCondition(status.Conditions, dittofsv1alpha1.ConditionReady); c.Status != tt.ready {
				t.Errorf("Ready is %s, %s", c.Status, c.Reason)
			}
			if c := meta.FindStatusCondition(status.Conditions, dittofsv1alpha1.ConditionDegraded); (c.Status == metav1.ConditionTrue) != (tt.reason != reasonResizingVolumes) {
				t.Errorf("Degraded is %s, %s", c.Status, c.Reason)
			}
			if got := status.Volumes[0].Message; !strings.Contains(got, tt.volume) {
				t.Errorf("the volume says %q", got)
			}
		})
	}
}

func TestAStuckExpansionStaysStuckAndTheEndOfPatienceIsWaitedFor(t *testing.T) {
	v := good()
	v.volumes[0].claim = boundClaim("2Gi", "1Gi")
	var recheck time.Duration
	if v.server.Status, recheck = v.status(); recheck != expansionPatience {
		t.Errorf("the next look is in %s", recheck)
	}
	for range 3 {
		v.now = v.now.Add(expansionPatience)
		if v.server.Status, recheck = v.status(); recheck != 0 {
			t.Errorf("another look is due in %s", recheck)
		}
		if c := meta.FindStatusCondition(v.server.Status.Conditions, dittofsv1alpha1.ConditionStorageReady); c.Reason != reasonExpansionStuck ||
			!strings.HasSuffix(c.Message, "Since 2026-11-01T12:00:00Z.") {
			t.Errorf("StorageReady is %s: %s", c.Reason, c.Message)
		}
	}
	v.volumes[0].claim = boundClaim("2Gi", "2Gi")
	status, _ := v.status()
	if c := meta.FindStatusCondition(status.Conditions, dittofsv1alpha1.ConditionStorageReady); c.Reason != reasonVolumesBound {
		t.Errorf("StorageReady is %s: %s", c.Reason, c.Message)
	}
}

func TestAFailedExpansionBlocksNothingElse(t *testing.T) {
	f := newFixture(t)
	f.claim("content", "10Gi", f.storageClass(true))
	f.up()
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.ContentSize = ptr.To(resource.MustParse("20Gi")) })
	f.reconcile()
	claim := get(f, &corev1.PersistentVolumeClaim{}, "content-files-0")
	claim.Status.AllocatedResourceStatuses = map[corev1.ResourceName]corev1.ClaimResourceStatus{corev1.ResourceStorage: corev1.PersistentVolumeClaimControllerResizeInfeasible}
	claim.Status.AllocatedResources = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("20Gi")}
	f.do(f.admin.Status().Update(t.Context(), claim))
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "example.com/dfs:1" })
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionStorageReady, metav1.ConditionFalse, reasonExpansionFailed, "content-files-0 from 10Gi to 20Gi")
	if image := f.set().Spec.Template.Spec.Containers[0].Image; image != "example.com/dfs:1" {
		t.Errorf("the image is %s", image)
	}
}
