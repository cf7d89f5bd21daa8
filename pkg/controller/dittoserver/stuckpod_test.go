// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/controllertest"
)

// stuckOnAnOlderTemplate changes the pod of a server that is up, and its StatefulSet, to what a mistyped image leaves behind
// after it is mended.
func stuckOnAnOlderTemplate(f *fixture, change func(*corev1.Pod, *appsv1.StatefulSet)) {
	f.t.Helper()
	pod, set := get(f, &corev1.Pod{}, "files-0"), f.set()
	started := metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second))
	pod.Labels[appsv1.StatefulSetRevisionLabel] = "old"
	pod.Status.StartTime = &started
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: started}}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "dittofs",
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff", Message: "not found"}}}}
	set.Status.ReadyReplicas, set.Status.AvailableReplicas = 0, 0
	set.Status.UpdateRevision, set.Status.CurrentRevision = "new", "old"
	change(pod, set)
	status, setStatus := pod.Status, set.Status
	f.do(f.admin.Update(f.t.Context(), pod))
	pod.Status = status
	f.do(f.admin.Status().Update(f.t.Context(), pod))
	f.do(f.admin.Update(f.t.Context(), set))
	set.Status = setStatus
	if set.Status.ObservedGeneration > 0 {
		set.Status.ObservedGeneration = set.Generation
	}
	f.do(f.admin.Status().Update(f.t.Context(), set))
}

// https://github.com/kubernetes/kubernetes/issues/67250
func TestAPodThatNeverWasReadyMakesWayForTheTemplateThatMendsIt(t *testing.T) {
	waiting := func(reason string) func(*corev1.Pod, *appsv1.StatefulSet) {
		return func(pod *corev1.Pod, _ *appsv1.StatefulSet) {
			pod.Status.ContainerStatuses[0].State.Waiting.Reason = reason
		}
	}
	tests := []struct {
		name   string
		change func(*corev1.Pod, *appsv1.StatefulSet)
		edit   func(*dittofsv1alpha1.DittoServer)
		goes   bool
	}{
		{"its image cannot be pulled", waiting("ImagePullBackOff"), nil, true},
		{"its container cannot be made", waiting("CreateContainerConfigError"), nil, true},
		{"dfs ends at each start", waiting("CrashLoopBackOff"), nil, true},
		{"no node takes it", func(pod *corev1.Pod, _ *appsv1.StatefulSet) {
			pod.Status.ContainerStatuses, pod.Status.StartTime = nil, nil
			pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse}}
		}, nil, true},

		{"it is being made", waiting("ContainerCreating"), nil, false},
		{"it was ready once", func(pod *corev1.Pod, _ *appsv1.StatefulSet) {
			pod.Status.Conditions[0].LastTransitionTime = metav1.NewTime(pod.Status.StartTime.Add(2 * time.Second))
		}, nil, false},
		{"it is ready", func(pod *corev1.Pod, _ *appsv1.StatefulSet) { pod.Status.Conditions[0].Status = corev1.ConditionTrue }, nil, false},
		{"nothing says when it started", func(pod *corev1.Pod, _ *appsv1.StatefulSet) { pod.Status.StartTime = nil }, nil, false},
		{"it runs and loads its shares", func(pod *corev1.Pod, _ *appsv1.StatefulSet) {
			pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
		}, nil, false},
		{"another container waits", func(pod *corev1.Pod, _ *appsv1.StatefulSet) { pod.Status.ContainerStatuses[0].Name = "sidecar" }, nil, false},
		{"it is of the newest template", func(_ *corev1.Pod, set *appsv1.StatefulSet) { set.Status.UpdateRevision = "old" }, nil, false},
		{"the StatefulSet controller has not seen the template", func(_ *corev1.Pod, set *appsv1.StatefulSet) { set.Status.ObservedGeneration = 0 }, nil, false},
		{"somebody holds the rollout", func(_ *corev1.Pod, set *appsv1.StatefulSet) {
			set.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: ptr.To[int32](1)}
		}, nil, false},
		{"the server is paused", waiting("ImagePullBackOff"), func(s *dittofsv1alpha1.DittoServer) { s.Spec.Paused = true }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.up()
			f.reconcile()
			stuckOnAnOlderTemplate(f, tt.change)
			if tt.edit != nil {
				f.edit(tt.edit)
			}
			f.events.take()
			f.reconcile()
			pod := &corev1.Pod{}
			gone := f.gone(pod, "files-0") || pod.DeletionTimestamp != nil
			if gone != tt.goes {
				t.Errorf("the pod is gone: %t", gone)
			}
			if said := hasPrefix(f.events.take(), "Normal Removed Removed Pod files-0"); said != tt.goes {
				t.Errorf("it was said: %t", said)
			}
		})
	}
}

func TestWithoutTheRightToDeletePodsTheStatusSaysWhatToDo(t *testing.T) {
	rules := append(controllertest.BaseRules(), controllertest.CredentialRules()...)
	for i := range rules {
		if slices.Contains(rules[i].Resources, "pods") {
			rules[i].Verbs = []string{"get", "list", "watch"}
		}
	}
	user, err := plane.User(t.Context(), "without-pods", rules...)
	if err != nil {
		t.Fatal(err)
	}
	f := newFixtureAs(t, user)
	f.up()
	f.reconcile()
	stuckOnAnOlderTemplate(f, func(*corev1.Pod, *appsv1.StatefulSet) {})
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonApplyRefused, "Pod files-0", "Delete it")
	get(f, &corev1.Pod{}, "files-0")
}
