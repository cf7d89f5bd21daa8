// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package quota

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Setup adds the controller to a manager of our API. rec is the Recounter or something around it.
func Setup(mgr manager.Manager, host cluster.Cluster, rec reconcile.Reconciler) error {
	c, err := controller.New(Name, mgr, controller.Options{Reconciler: rec, MaxConcurrentReconciles: 1})
	if err != nil {
		return fmt.Errorf("new controller %s: %w", Name, err)
	}
	for _, src := range []source.Source{
		source.Kind(host.GetCache(), &corev1.ResourceQuota{}, &handler.TypedEnqueueRequestForObject[*corev1.ResourceQuota]{}),
		source.Kind(mgr.GetCache(), &dittofsv1alpha1.DittoServer{}, quotasOfNamespace(host.GetClient()), usageChanged()),
	} {
		if err := c.Watch(src); err != nil {
			return fmt.Errorf("controller %s: %w", Name, err)
		}
	}
	return nil
}

// quotasOfNamespace returns the quotas beside a DittoServer.
func quotasOfNamespace(host client.Reader) handler.TypedEventHandler[*dittofsv1alpha1.DittoServer, reconcile.Request] {
	return handler.TypedEnqueueRequestsFromMapFunc(func(ctx context.Context, server *dittofsv1alpha1.DittoServer) []reconcile.Request {
		found := &corev1.ResourceQuotaList{}
		if err := host.List(ctx, found, client.InNamespace(server.Namespace)); err != nil {
			log.FromContext(ctx).Error(err, "Cannot list ResourceQuotas for an event")
			return nil
		}
		requests := make([]reconcile.Request, 0, len(found.Items))
		for i := range found.Items {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&found.Items[i])})
		}
		return requests
	})
}

// usageChanged lets pass what can change what a DittoServer uses: that it comes or goes, and edits of its spec.
func usageChanged() predicate.TypedPredicate[*dittofsv1alpha1.DittoServer] {
	return predicate.TypedFuncs[*dittofsv1alpha1.DittoServer]{
		UpdateFunc: func(e event.TypedUpdateEvent[*dittofsv1alpha1.DittoServer]) bool {
			return !apiequality.Semantic.DeepEqual(e.ObjectOld.Spec, e.ObjectNew.Spec)
		},
	}
}
