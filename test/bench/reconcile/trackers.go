// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsinformers "github.com/dittofs/dittofs-apiserver/pkg/generated/informers"
)

// trackers follow everything that a set of servers consists of.
type trackers struct {
	configs, secrets, services, policies, sets, pods *tracker
	// servers is nil where our API is not served.
	servers *tracker
}

func there(any) string { return "there" }

// fromTheStart leaves out what is made for adapters, when dfs has told which it has.
func fromTheStart(obj any) string {
	if object, ok := obj.(metav1.Object); ok && object.GetLabels()["dittofs.io/adapter-type"] == "" {
		return "there"
	}
	return ""
}

func ready(obj any) string {
	if pod, ok := obj.(*corev1.Pod); ok {
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
				return "ready"
			}
		}
	}
	return ""
}

// template is what changes when the pod has to be replaced.
func template(obj any) string {
	if set, ok := obj.(*appsv1.StatefulSet); ok {
		return set.Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash]
	}
	return ""
}

// serverReady says so of the spec as it is now.
func serverReady(obj any) string {
	server, ok := obj.(*dittofsv1alpha1.DittoServer)
	if !ok {
		return ""
	}
	condition := meta.FindStatusCondition(server.Status.Conditions, dittofsv1alpha1.ConditionReady)
	if condition == nil || condition.Status != metav1.ConditionTrue || condition.ObservedGeneration != server.Generation {
		return ""
	}
	return "ready"
}

// serverStopped says so of a server of no replicas.
func serverStopped(obj any) string {
	if server, ok := obj.(*dittofsv1alpha1.DittoServer); ok && server.Status.ObservedGeneration == server.Generation &&
		server.Status.Phase == dittofsv1alpha1.PhaseStopped {
		return "stopped"
	}
	return ""
}

// follow starts the trackers. What is looked at in DittoServers is up to the caller, nil where there are none.
func (h *host) follow(ctx context.Context, server func(any) string) (*trackers, error) {
	// Other objects of the namespace are the cluster's own.
	labelled := func(o *metav1.ListOptions) {
		o.LabelSelector = dittofsv1alpha1.LabelApp + "=" + dittofsv1alpha1.AppName
	}
	factory := informers.NewSharedInformerFactoryWithOptions(h.kube, 0, informers.WithNamespace(namespace), informers.WithTweakListOptions(labelled))
	t := &trackers{}
	kinds := []struct {
		what     string
		into     **tracker
		informer cache.SharedIndexInformer
		value    func(any) string
	}{
		{"ConfigMaps", &t.configs, factory.Core().V1().ConfigMaps().Informer(), there},
		{"Secrets", &t.secrets, factory.Core().V1().Secrets().Informer(), there},
		{"Services", &t.services, factory.Core().V1().Services().Informer(), fromTheStart},
		{"NetworkPolicies", &t.policies, factory.Networking().V1().NetworkPolicies().Informer(), fromTheStart},
		{"StatefulSets", &t.sets, factory.Apps().V1().StatefulSets().Informer(), there},
		{"pods", &t.pods, factory.Core().V1().Pods().Informer(), ready},
	}
	if server != nil {
		own := dittofsinformers.NewSharedInformerFactoryWithOptions(h.servers, 0, dittofsinformers.WithNamespace(namespace))
		kinds = append(kinds, struct {
			what     string
			into     **tracker
			informer cache.SharedIndexInformer
			value    func(any) string
		}{"DittoServers", &t.servers, own.Dittofs().V1alpha1().DittoServers().Informer(), server})
	}
	for _, kind := range kinds {
		var err error
		if *kind.into, err = track(ctx, kind.what, kind.informer, kind.value); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// followTemplates follows what edits change.
func (h *host) followTemplates(ctx context.Context) (*tracker, error) {
	factory := informers.NewSharedInformerFactoryWithOptions(h.kube, 0, informers.WithNamespace(namespace))
	return track(ctx, "templates", factory.Apps().V1().StatefulSets().Informer(), template)
}

// awaitObjects waits for what a server consists of before it runs, and returns when the last StatefulSet and the last of
// all were there.
func (t *trackers) awaitObjects(ctx context.Context, servers int) (sets, all time.Time, err error) {
	for _, part := range []struct {
		*tracker
		count int
	}{{t.sets, servers}, {t.configs, servers}, {t.secrets, 2 * servers}, {t.services, 2 * servers}, {t.policies, servers}} {
		last, err := part.await(ctx, part.count)
		if err != nil {
			return sets, all, err
		}
		if part.tracker == t.sets {
			sets = last
		}
		if last.After(all) {
			all = last
		}
	}
	return sets, all, nil
}
