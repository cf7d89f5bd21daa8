// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// podState tells whether a pod is the one it was.
type podState struct {
	uid      string
	restarts int32
}

// check is what holds after every step: every file server is Ready, the same pods run as before, and every write that our
// API has acknowledged is there.
func (s *suite) check(ctx context.Context) error {
	if err := eventually(ctx, s.allReady); err != nil {
		return err
	}
	now, err := s.filePods(ctx)
	if err != nil {
		return err
	}
	if len(now) != len(s.pods) {
		return fmt.Errorf("%d pods of file servers, there were %d", len(now), len(s.pods))
	}
	for name, before := range s.pods {
		if now[name] != before {
			return fmt.Errorf("pod %s of a file server was restarted: it was %v and is %v", name, before, now[name])
		}
	}
	return eventually(ctx, s.verify)
}

func (s *suite) allReady(ctx context.Context) error {
	list, err := s.dittofs.DittofsV1alpha1().DittoServers(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	if len(list.Items) == 0 {
		return errors.New("there is no DittoServer")
	}
	for _, server := range list.Items {
		ready := meta.FindStatusCondition(server.Status.Conditions, "Ready")
		if ready == nil || ready.Status != metav1.ConditionTrue || ready.ObservedGeneration != server.Generation {
			return fmt.Errorf("DittoServer %s/%s is not Ready: %+v", server.Namespace, server.Name, ready)
		}
	}
	return nil
}

// filePods are the pods of all file servers by namespace and name.
func (s *suite) filePods(ctx context.Context) (map[string]podState, error) {
	var list corev1.PodList
	if err := s.plane.Client().List(ctx, &list, client.MatchingLabels{"app": "dittofs-server"}); err != nil {
		return nil, err
	}
	pods := map[string]podState{}
	for _, pod := range list.Items {
		state := podState{uid: string(pod.UID)}
		for _, container := range pod.Status.ContainerStatuses {
			state.restarts += container.RestartCount
		}
		pods[pod.Namespace+"/"+pod.Name] = state
	}
	return pods, nil
}

// serverPod is the pod of our server, if it is ready.
func (s *suite) serverPod(ctx context.Context) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	if err := s.plane.Client().Get(ctx, client.ObjectKey{Namespace: systemNamespace, Name: serverName + "-0"}, pod); err != nil {
		return nil, err
	}
	if pod.DeletionTimestamp != nil {
		return nil, errors.New("the pod of our server is on its way out")
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
			return pod, nil
		}
	}
	return nil, fmt.Errorf("the pod of our server is not ready: %s", describe(pod))
}

func describe(pod *corev1.Pod) string {
	words := []string{string(pod.Status.Phase)}
	for _, condition := range pod.Status.Conditions {
		if condition.Status != corev1.ConditionTrue && condition.Message != "" {
			words = append(words, condition.Message)
		}
	}
	for _, container := range pod.Status.ContainerStatuses {
		if waiting := container.State.Waiting; waiting != nil {
			words = append(words, waiting.Reason, waiting.Message)
		}
	}
	return strings.Join(words, "; ")
}

// served succeeds once a user of the cluster gets an answer from our API.
func (s *suite) served(ctx context.Context) error {
	_, err := s.dittofs.DittofsV1alpha1().DittoServers(metav1.NamespaceAll).List(ctx, metav1.ListOptions{Limit: 1})
	return err
}
