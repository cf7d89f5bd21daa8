// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package watches

import (
	"context"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// classIndex finds the DittoServers of a class.
const classIndex = "className"

// IndexClasses makes OfClass work. Call it once for each cache of DittoServers, before the cache starts.
func IndexClasses(ctx context.Context, indexer client.FieldIndexer) error {
	return indexer.IndexField(ctx, &dittofsv1alpha1.DittoServer{}, classIndex, func(obj client.Object) []string {
		if server, ok := obj.(*dittofsv1alpha1.DittoServer); ok && server.Spec.HasClass() {
			return []string{*server.Spec.ClassName}
		}
		return nil
	})
}

// OfClass leads to the DittoServers of a class.
func OfClass(servers client.Reader) handler.TypedEventHandler[*dittofsv1alpha1.DittoServerClass, reconcile.Request] {
	return handler.TypedEnqueueRequestsFromMapFunc(func(ctx context.Context, obj *dittofsv1alpha1.DittoServerClass) []reconcile.Request {
		return list(ctx, servers, client.MatchingFields{classIndex: obj.Name})
	})
}

// ClassChanged lets events through after which servers may differ from their class.
func ClassChanged() predicate.TypedPredicate[*dittofsv1alpha1.DittoServerClass] {
	return predicate.TypedGenerationChangedPredicate[*dittofsv1alpha1.DittoServerClass]{}
}
