// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Kind is a kind of the host cluster that can be applied.
type Kind struct {
	GVK schema.GroupVersionKind
	// New returns an empty object of the kind.
	New func() client.Object
	// Extract returns the apply configuration of what our field manager owns in a live object.
	Extract func(client.Object) (any, error)
}

func (k Kind) owned(live client.Object) (fields, error) {
	extracted, err := k.Extract(live)
	if err != nil {
		return fields{}, fmt.Errorf("read what is ours of %s %s: %w", k.GVK.Kind, live.GetName(), err)
	}
	return toFields(extracted)
}

// ConfigMaps is the kind ConfigMap.
func ConfigMaps() Kind {
	return kindOf(corev1.SchemeGroupVersion.WithKind("ConfigMap"), corev1ac.ExtractConfigMap,
		func() *corev1.ConfigMap { return &corev1.ConfigMap{} })
}

// Services is the kind Service.
func Services() Kind {
	return kindOf(corev1.SchemeGroupVersion.WithKind("Service"), corev1ac.ExtractService,
		func() *corev1.Service { return &corev1.Service{} })
}

// StatefulSets is the kind StatefulSet.
func StatefulSets() Kind {
	return kindOf(appsv1.SchemeGroupVersion.WithKind("StatefulSet"), appsv1ac.ExtractStatefulSet,
		func() *appsv1.StatefulSet { return &appsv1.StatefulSet{} })
}

// Ingresses is the kind Ingress.
func Ingresses() Kind {
	return kindOf(networkingv1.SchemeGroupVersion.WithKind("Ingress"), networkingv1ac.ExtractIngress,
		func() *networkingv1.Ingress { return &networkingv1.Ingress{} })
}

// NetworkPolicies is the kind NetworkPolicy.
func NetworkPolicies() Kind {
	return kindOf(networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy"), networkingv1ac.ExtractNetworkPolicy,
		func() *networkingv1.NetworkPolicy { return &networkingv1.NetworkPolicy{} })
}

func kindOf[O client.Object, C any](gvk schema.GroupVersionKind, extract func(O, string) (C, error), empty func() O) Kind {
	return Kind{
		GVK: gvk,
		New: func() client.Object { return empty() },
		Extract: func(obj client.Object) (any, error) {
			typed, ok := obj.(O)
			if !ok {
				return nil, fmt.Errorf("%T is no %s", obj, gvk.Kind)
			}
			return extract(typed, dittofsv1alpha1.FieldManager)
		},
	}
}
