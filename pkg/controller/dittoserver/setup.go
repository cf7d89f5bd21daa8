// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/nscheck"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/watches"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// Name of the controller, in --controllers, logs and metrics.
const Name = "dittoserver"

const (
	workers = 16
	// firstRetry and maxRetry bound the wait after an error: what is mended is found mended within a minute.
	firstRetry = 50 * time.Millisecond
	maxRetry   = time.Minute
)

// beyondStatus drops the events of our own status writes. With them, a status whose text differs each time would call
// the next pass at once, past any back-off.
func beyondStatus() predicate.TypedPredicate[*dittofsv1alpha1.DittoServer] {
	return predicate.TypedFuncs[*dittofsv1alpha1.DittoServer]{
		UpdateFunc: func(e event.TypedUpdateEvent[*dittofsv1alpha1.DittoServer]) bool {
			before, after := e.ObjectOld, e.ObjectNew
			return before.UID != after.UID || before.Generation != after.Generation ||
				!maps.Equal(before.Annotations, after.Annotations) || !maps.Equal(before.Labels, after.Labels) ||
				!slices.Equal(before.Finalizers, after.Finalizers)
		},
	}
}

// Monitors is the source of events about ServiceMonitors.
func Monitors(mgr manager.Manager, host cluster.Cluster) *watches.Optional {
	return watches.NewOptional(host.GetCache(), render.ServiceMonitorKind, "servicemonitors", mgr.GetClient(),
		func(server *dittofsv1alpha1.DittoServer) bool {
			metrics := server.Spec.Metrics
			return metrics != nil && metrics.Enabled && metrics.ServiceMonitor != nil && metrics.ServiceMonitor.Enabled
		})
}

// Setup adds the controller to a manager of our API. rec is the reconciler or something around it; observed delivers
// DittoServers about which the dfs probe has news, and optional those whose objects of a kind that the cluster need not have
// have changed.
func Setup(mgr manager.Manager, host cluster.Cluster, rec reconcile.Reconciler, observed <-chan event.GenericEvent, optional ...source.Source) error {
	c, err := controller.New(Name, mgr, controller.Options{
		Reconciler:              rec,
		MaxConcurrentReconciles: workers,
		RateLimiter:             workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstRetry, maxRetry),
	})
	if err != nil {
		return fmt.Errorf("new controller %s: %w", Name, err)
	}
	own, servers := host.GetCache(), mgr.GetClient()
	for _, src := range append(optional,
		source.Kind(mgr.GetCache(), &dittofsv1alpha1.DittoServer{}, &handler.TypedEnqueueRequestForObject[*dittofsv1alpha1.DittoServer]{}, beyondStatus()),
		source.Kind(mgr.GetCache(), &dittofsv1alpha1.DittoServerClass{}, watches.OfClass(servers), watches.ClassChanged()),
		source.Kind(own, &appsv1.StatefulSet{}, watches.Gathered(watches.OfLabel[*appsv1.StatefulSet](dittofsv1alpha1.LabelServer))),
		source.Kind(own, &corev1.ConfigMap{}, watches.OfLabel[*corev1.ConfigMap](dittofsv1alpha1.LabelServer)),
		source.Kind(own, &corev1.Service{}, watches.OfLabel[*corev1.Service](dittofsv1alpha1.LabelServer)),
		source.Kind(own, &networkingv1.Ingress{}, watches.OfLabel[*networkingv1.Ingress](dittofsv1alpha1.LabelServer)),
		source.Kind(own, &networkingv1.NetworkPolicy{}, watches.OfLabel[*networkingv1.NetworkPolicy](dittofsv1alpha1.LabelServer)),
		source.Kind(own, &corev1.Pod{}, watches.Gathered(watches.OfLabel[*corev1.Pod](dittofsv1alpha1.LabelInstance))),
		source.Kind(own, &corev1.PersistentVolumeClaim{}, watches.Gathered(watches.OfLabel[*corev1.PersistentVolumeClaim](dittofsv1alpha1.LabelInstance))),
		source.Kind[*metav1.PartialObjectMetadata](own, watches.NewSecretMetadata(), watches.OfSecret(servers)),
		source.Kind[*metav1.PartialObjectMetadata](own, nscheck.NewMetadata(), watches.OfNamespace(servers), watches.NamespaceChanged()),
		source.Channel(observed, &handler.TypedEnqueueRequestForObject[client.Object]{}),
	) {
		if err := c.Watch(src); err != nil {
			return fmt.Errorf("controller %s: %w", Name, err)
		}
	}
	return nil
}
