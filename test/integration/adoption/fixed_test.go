// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package adoption_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// fixed is what must not change before the window, by what it is.
type fixed map[string]string

// find reads it: who the pod and the claims are, and all that the objects say but for their labels and the update strategy
// of the StatefulSet.
func (s subject) find(ctx context.Context) (fixed, error) {
	out := fixed{}
	list := metav1.ListOptions{}
	core, apps := cluster.Admin.Kube.CoreV1(), cluster.Admin.Kube.AppsV1()
	pods, err := core.Pods(s.Namespace).List(ctx, list)
	if err != nil {
		return nil, err
	}
	for _, pod := range pods.Items {
		restarts := int32(0)
		for _, c := range pod.Status.ContainerStatuses {
			restarts += c.RestartCount
		}
		out["pod "+pod.Name] = fmt.Sprintf("%s, restarted %d times, deleted at %v", pod.UID, restarts, pod.DeletionTimestamp)
	}
	claims, err := core.PersistentVolumeClaims(s.Namespace).List(ctx, list)
	if err != nil {
		return nil, err
	}
	for _, claim := range claims.Items {
		out["claim "+claim.Name] = fmt.Sprintf("%s on %s", claim.UID, claim.Spec.VolumeName)
	}
	services, err := core.Services(s.Namespace).List(ctx, list)
	if err != nil {
		return nil, err
	}
	for _, service := range services.Items {
		out.put("service", &service.ObjectMeta, service.Spec)
	}
	configs, err := core.ConfigMaps(s.Namespace).List(ctx, list)
	if err != nil {
		return nil, err
	}
	for _, config := range configs.Items {
		out.put("configmap", &config.ObjectMeta, config.Data)
	}
	secrets, err := core.Secrets(s.Namespace).List(ctx, list)
	if err != nil {
		return nil, err
	}
	for _, secret := range secrets.Items {
		out.put("secret", &secret.ObjectMeta, map[string]any{"data": secret.Data, "labels": secret.Labels})
	}
	policies, err := cluster.Admin.Kube.NetworkingV1().NetworkPolicies(s.Namespace).List(ctx, list)
	if err != nil {
		return nil, err
	}
	for _, policy := range policies.Items {
		out.put("networkpolicy", &policy.ObjectMeta, policy.Spec)
	}
	sets, err := apps.StatefulSets(s.Namespace).List(ctx, list)
	if err != nil {
		return nil, err
	}
	for _, set := range sets.Items {
		set.Spec.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{}
		set.Annotations = nil
		out.put("statefulset", &set.ObjectMeta, set.Spec)
	}
	revisions, err := apps.ControllerRevisions(s.Namespace).List(ctx, list)
	if err != nil {
		return nil, err
	}
	for _, revision := range revisions.Items {
		out["revision "+revision.Name] = string(revision.UID)
	}
	return out, nil
}

func (f fixed) put(kind string, object *metav1.ObjectMeta, content any) {
	text, err := json.Marshal(map[string]any{"uid": object.UID, "annotations": object.Annotations, "content": content})
	if err != nil {
		panic(err)
	}
	f[kind+" "+object.Name] = string(text)
}

func (s subject) fixed(t *testing.T) fixed {
	t.Helper()
	found, err := s.find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// want fails the test for whatever is gone, new or changed.
func (f fixed) want(t *testing.T, now fixed) {
	t.Helper()
	for name, was := range f {
		if now[name] != was {
			t.Errorf("%s is %s, was %s", name, now[name], was)
		}
	}
	for name := range now {
		if _, known := f[name]; !known {
			t.Errorf("%s is new", name)
		}
	}
}

// only leaves those whose names begin so.
func (f fixed) only(prefixes ...string) fixed {
	out := fixed{}
	for name, text := range f {
		for _, prefix := range prefixes {
			if strings.HasPrefix(name, prefix) {
				out[name] = text
			}
		}
	}
	return out
}
