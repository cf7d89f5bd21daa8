// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// podReadySince returns the Ready condition of a pod if it is True.
func podReadySince(pod *corev1.Pod) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		c := &pod.Status.Conditions[i]
		if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
			return c
		}
	}
	return nil
}

// podState says why a pod is not ready, and what to do about it where that is known.
func podState(pod *corev1.Pod) (reason, message string) {
	if pod.DeletionTimestamp != nil {
		return reasonPodTerminating, fmt.Sprintf("Pod %s is stopping.", pod.Name)
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return reasonPodUnschedulable, fmt.Sprintf("Pod %s finds no node: %s", pod.Name, c.Message)
		}
	}
	i := slices.IndexFunc(pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.Name == render.ContainerName })
	if i < 0 {
		return reasonPodStarting, fmt.Sprintf("Pod %s is %s; its container has not started yet.", pod.Name, pod.Status.Phase)
	}
	status := pod.Status.ContainerStatuses[i]
	if waiting := status.State.Waiting; waiting != nil {
		switch waiting.Reason {
		case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull":
			return reasonImageUnavailable, fmt.Sprintf("The image %s cannot be pulled: %s", status.Image, waiting.Message)
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
			return reasonContainerBlocked, fmt.Sprintf("The container of pod %s cannot start: %s", pod.Name, waiting.Message)
		case "CrashLoopBackOff":
			return reasonCrashLooping, crashMessage(pod.Name, status)
		}
		return reasonPodStarting, fmt.Sprintf("Pod %s is starting (%s).", pod.Name, waiting.Reason)
	}
	if status.State.Terminated != nil {
		return reasonCrashLooping, crashMessage(pod.Name, status)
	}
	return reasonPodStarting, fmt.Sprintf(
		"Pod %s runs and is not ready. dfs opens its API when its stores and shares are loaded: each S3 remote that does not answer takes about 160 s.", pod.Name)
}

func crashMessage(pod string, status corev1.ContainerStatus) string {
	exit := ""
	last := status.LastTerminationState.Terminated
	if status.State.Terminated != nil {
		last = status.State.Terminated
	}
	if last != nil {
		exit = fmt.Sprintf(" with exit code %d", last.ExitCode)
	}
	return fmt.Sprintf("dfs ended%s, %d restarts so far. kubectl logs %s --previous shows why.", exit, status.RestartCount, pod)
}
