// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package watches says what the controllers read of the two clusters and which DittoServer an event is about.
// In go objects as the API sends them; out come slimmer ones for the caches, and reconcile requests.
// It never caches the content of a Secret: of Secrets, Namespaces and definitions of kinds only the metadata is read.
package watches

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/nscheck"
)

// NewSecretMetadata returns an empty Secret of which only the metadata is read.
func NewSecretMetadata() *metav1.PartialObjectMetadata {
	secret := &metav1.PartialObjectMetadata{}
	secret.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	return secret
}

// HostCache configures the cache of the host cluster. A read of a kind that is not watched is an error instead of a new
// cluster-wide watch, so that nobody starts to cache Secrets by mistake.
func HostCache() cache.Options {
	managed := labels.SelectorFromSet(labels.Set{dittofsv1alpha1.LabelManagedBy: dittofsv1alpha1.ManagedBy})
	pods := labels.SelectorFromSet(labels.Set{dittofsv1alpha1.LabelApp: dittofsv1alpha1.AppName})
	return cache.Options{
		ReaderFailOnMissingInformer: true,
		// For kinds that come later. Those of which all objects are wanted say so.
		DefaultLabelSelector: managed,
		DefaultTransform:     keepOurFields,
		ByObject: map[client.Object]cache.ByObject{
			&appsv1.StatefulSet{}:           {},
			&corev1.ConfigMap{}:             {},
			&corev1.Service{}:               {},
			&networkingv1.Ingress{}:         {},
			&networkingv1.NetworkPolicy{}:   {},
			&corev1.Pod{}:                   {Label: pods, Transform: slimPod},
			&corev1.PersistentVolumeClaim{}: {Label: pods, Transform: dropManagedFields},
			&corev1.ResourceQuota{}:         {Label: labels.Everything(), Transform: dropManagedFields},
			NewSecretMetadata():             {Label: labels.Everything(), Transform: slimMetadata},
			nscheck.NewMetadata():           {Label: labels.Everything(), Transform: slimMetadata},
			NewDefinitionMetadata():         {Label: labels.Everything(), Transform: slimMetadata},
		},
	}
}

// ServerCache configures the cache of our own API.
func ServerCache() cache.Options {
	return cache.Options{
		ReaderFailOnMissingInformer: true,
		ByObject: map[client.Object]cache.ByObject{
			&dittofsv1alpha1.DittoServer{}:      {Transform: dropManagedFields},
			&dittofsv1alpha1.DittoServerClass{}: {Transform: dropManagedFields},
		},
	}
}
