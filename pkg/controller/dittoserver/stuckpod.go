// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// waitingFor are the states of a container that another pod template may mend, and waiting does not.
var waitingFor = []string{
	"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull",
	"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff",
}

// replaceStuckPod deletes the pod of an older template that never became ready and cannot: the StatefulSet controller waits
// for it for ever before it makes the pod of the template that mends it
// (https://github.com/kubernetes/kubernetes/issues/67250). Such a pod has served nobody, so that nothing is lost with it. A
// pod that was ready once is left alone, whatever state it is in.
func (p *pass) replaceStuckPod(ctx context.Context) error {
	if p.pod == nil || p.set == nil || p.holds() || p.waiting || !ofOlderTemplate(p.pod, p.set) || everReady(p.pod) || !stuck(p.pod) {
		return nil
	}
	what := "Pod " + p.pod.Name
	if p.dryRun {
		p.plan = append(p.plan, "delete "+what+", which is stuck on an older template")
		return nil
	}
	// The version too: if it has become ready in this moment, it is another one.
	err := p.Host.Delete(ctx, p.pod, client.Preconditions{UID: ptr.To(p.pod.UID), ResourceVersion: ptr.To(p.pod.ResourceVersion)})
	switch {
	case err == nil:
		p.removed = append(p.removed, what+", which never became ready and kept the changed template from its pod")
	case apierrors.IsNotFound(err), apierrors.IsConflict(err):
		// Its event brings us back.
	case apierrors.IsForbidden(err):
		p.add(refusedRetry, dittofsv1alpha1.ConditionProgressing, reasonApplyRefused,
			"%s never became ready and keeps the changed template from its pod, and cannot be deleted: %s. Delete it. Tried again every %s.",
			what, apiMessage(err), refusedRetry)
	default:
		return partialError{fmt.Errorf("delete %s: %w", what, err)}
	}
	return nil
}

// ofOlderTemplate says that the StatefulSet has a newer template than the pod, and nothing holds that back.
func ofOlderTemplate(pod *corev1.Pod, set *appsv1.StatefulSet) bool {
	rolling := set.Spec.UpdateStrategy.RollingUpdate
	held := set.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType ||
		rolling != nil && ptr.Deref(rolling.Partition, 0) > 0
	revision := pod.Labels[appsv1.StatefulSetRevisionLabel]
	return !held && pod.DeletionTimestamp == nil && set.DeletionTimestamp == nil &&
		set.Status.ObservedGeneration >= set.Generation &&
		revision != "" && set.Status.UpdateRevision != "" && revision != set.Status.UpdateRevision
}

// everReady says whether a pod was ever ready, and yes in doubt. The kubelet writes the condition Ready with the first
// status of a pod, and its time changes whenever it turns: one that never turned is as old as the status.
func everReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type != corev1.PodReady {
			continue
		}
		return c.Status == corev1.ConditionTrue || pod.Status.StartTime == nil ||
			c.LastTransitionTime.Sub(pod.Status.StartTime.Time) > time.Second
	}
	// Without the condition no kubelet has begun with it.
	return pod.Spec.NodeName != "" || pod.Status.StartTime != nil
}

// stuck says that a pod cannot run as it is: it finds no node, or its container cannot be started or ends each time.
func stuck(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && pod.Spec.NodeName == "" {
			return true
		}
	}
	return slices.ContainsFunc(pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool {
		return c.Name == render.ContainerName && c.State.Waiting != nil && slices.Contains(waitingFor, c.State.Waiting.Reason)
	})
}
