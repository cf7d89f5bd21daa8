// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
)

// Every step that waits says for what and since when, and says the same at the next look.
func TestWhateverWaitsSaysSinceWhenAndKeepsSayingIt(t *testing.T) {
	const (
		available, progressing = dittofsv1alpha1.ConditionAvailable, dittofsv1alpha1.ConditionProgressing
		storage, ready         = dittofsv1alpha1.ConditionStorageReady, dittofsv1alpha1.ConditionReady
	)
	tests := []struct {
		condition, reason string
		change            func(*view)
	}{
		{storage, reasonVolumePending, func(v *view) { v.volumes[0].claim = nil }},
		{storage, reasonResizingVolumes, func(v *view) { v.volumes[0].claim = boundClaim("2Gi", "1Gi") }},
		{available, reasonPodMissing, func(v *view) { v.pod, v.dfs = nil, nil }},
		{available, reasonPodStarting, func(v *view) { notReady(v, corev1.ContainerStatus{Name: "dittofs"}) }},
		{available, reasonPodTerminating, func(v *view) { notReady(v); v.pod.DeletionTimestamp = ptr.To(metav1.NewTime(noon)) }},
		{available, reasonPodUnschedulable, func(v *view) {
			notReady(v)
			v.pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: "0/3 nodes", LastTransitionTime: metav1.NewTime(noon)}}
		}},
		{progressing, reasonWaitingForPod, func(v *view) { notReady(v) }},
		{progressing, reasonCreating, func(v *view) { v.set, v.pod, v.dfs = nil, nil, nil }},
		{progressing, reasonRollingOut, func(v *view) { v.set.Status.UpdateRevision = "s" }},
		{progressing, reasonRolloutPending, func(v *view) { v.pending = "A change waits." }},
		{progressing, reasonStopping, func(v *view) { v.server.Spec.Replicas = ptr.To[int32](0) }},
		{progressing, reasonDeleting, func(v *view) {
			v.server.DeletionTimestamp, v.waitsFor = ptr.To(metav1.NewTime(noon)), "Pod files-0 to stop"
		}},
		{progressing, reasonWaitingForDatabase, func(v *view) {
			v.set, v.pod, v.dfs = nil, nil, nil
			v.percona = perconaState{cluster: "files-postgres", waits: true}
		}},
		{dittofsv1alpha1.ConditionAuthenticated, reasonRestartPending, func(v *view) {
			v.dfs.Token, v.dfs.AdaptersKnown = dfsprobe.TokenRestartPending, false
		}},
		{ready, reasonAskingDFS, func(v *view) { v.dfs = nil }},
		{ready, reasonSnapshotPolicyPending, func(v *view) {
			v.dfs.Policies = []dfsprobe.PolicyResult{{Share: "/a", Reason: dfsprobe.PolicyShareNotFound, Message: "There is no share /a."}}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.reason, func(t *testing.T) {
			v := good()
			tt.change(&v)
			const since = " Since 2026-11-01T12:00:00Z."
			before, _ := v.status()
			c := meta.FindStatusCondition(before.Conditions, tt.condition)
			if c.Reason != tt.reason || !strings.HasSuffix(c.Message, since) {
				t.Fatalf("%s is %s: %q; want %s and %q", tt.condition, c.Reason, c.Message, tt.reason, since)
			}
			v.server.Status, v.now = before, noon.Add(30*time.Second)
			after, _ := v.status()
			for _, now := range after.Conditions {
				if old := meta.FindStatusCondition(before.Conditions, now.Type); old.Message != now.Message {
					t.Errorf("%s said %q, and later %q", now.Type, old.Message, now.Message)
				}
			}
		})
	}
}

func TestSinceWhenBeginsAnewWithAnotherWait(t *testing.T) {
	v := good()
	v.server.DeletionTimestamp, v.waitsFor = ptr.To(metav1.NewTime(noon)), "Pod files-0 to stop"
	v.server.Status, _ = v.status()
	v.waitsFor, v.now = "the cluster to be gone", noon.Add(time.Minute)
	status, _ := v.status()
	if c := meta.FindStatusCondition(status.Conditions, dittofsv1alpha1.ConditionProgressing); !strings.HasSuffix(c.Message, "gone. Since 2026-11-01T12:01:00Z.") {
		t.Errorf("it says %q", c.Message)
	}

	v = good()
	v.set.Status = appsv1.StatefulSetStatus{ObservedGeneration: 2, Replicas: 1, UpdatedReplicas: 1, CurrentRevision: "r", UpdateRevision: "s"}
	v.server.Status, _ = v.status() // Progressing is True, RollingOut
	v.set.Status.UpdateRevision, v.now = "r", noon.Add(time.Hour)
	status, _ = v.status() // and stays True
	if c := meta.FindStatusCondition(status.Conditions, dittofsv1alpha1.ConditionProgressing); c.Reason != reasonWaitingForPod ||
		!strings.HasSuffix(c.Message, "Since 2026-11-01T13:00:00Z.") || !c.LastTransitionTime.Time.Equal(noon) {
		t.Errorf("it is %s since %s and says %q", c.Reason, c.LastTransitionTime, c.Message)
	}
}

func TestWhatWaitsNoMoreSaysNoTime(t *testing.T) {
	v := good()
	v.dfs = nil
	v.server.Status, _ = v.status()
	v.dfs = good().dfs
	status, _ := v.status()
	for _, c := range status.Conditions {
		if strings.Contains(c.Message, "Since") {
			t.Errorf("%s, %s says %q", c.Type, c.Reason, c.Message)
		}
	}
}
