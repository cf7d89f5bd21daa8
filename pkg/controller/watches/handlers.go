// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package watches

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// secretIndex finds the DittoServers that read a Secret of a given name.
const secretIndex = "secretNames"

// IndexSecrets makes OfSecret work. Call it once for each cache of DittoServers, before the cache starts.
func IndexSecrets(ctx context.Context, indexer client.FieldIndexer) error {
	return indexer.IndexField(ctx, &dittofsv1alpha1.DittoServer{}, secretIndex, SecretNames)
}

// serverIndex finds the objects of a DittoServer of a given name, in its namespace.
const serverIndex = "server"

// IndexServers makes OfServer work for these kinds. Call it once for each cache of the host cluster, before it starts.
func IndexServers(ctx context.Context, indexer client.FieldIndexer, kinds ...client.Object) error {
	for _, kind := range kinds {
		if err := indexer.IndexField(ctx, kind, serverIndex, serverNames); err != nil {
			return err
		}
	}
	return nil
}

// OfServer limits a list of a kind that is indexed to the objects of one DittoServer. A label alone would do, but then all
// objects of the namespace are looked at, so that a pass costs the more the more servers there are.
func OfServer(name string) client.ListOption { return client.MatchingFields{serverIndex: name} }

func serverNames(obj client.Object) []string {
	if name := obj.GetLabels()[dittofsv1alpha1.LabelServer]; name != "" {
		return []string{name}
	}
	return nil
}

// SecretNames lists the Secrets that a DittoServer reads, generated ones included.
func SecretNames(obj client.Object) []string {
	server, ok := obj.(*dittofsv1alpha1.DittoServer)
	if !ok {
		return nil
	}
	names := sets.New[string]()
	for _, secret := range render.StartSecrets(server) {
		names.Insert(secret.Name)
	}
	return sets.List(names)
}

// OfLabel returns the DittoServer that a label of the object names.
func OfLabel[O client.Object](label string) handler.TypedEventHandler[O, reconcile.Request] {
	return handler.TypedEnqueueRequestsFromMapFunc(func(_ context.Context, obj O) []reconcile.Request {
		name := obj.GetLabels()[label]
		if name == "" {
			return nil
		}
		return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: obj.GetNamespace(), Name: name}}}
	})
}

// OfSecret returns the DittoServers that read a Secret.
func OfSecret(servers client.Reader) handler.TypedEventHandler[*metav1.PartialObjectMetadata, reconcile.Request] {
	return handler.TypedEnqueueRequestsFromMapFunc(func(ctx context.Context, obj *metav1.PartialObjectMetadata) []reconcile.Request {
		return list(ctx, servers, client.InNamespace(obj.Namespace), client.MatchingFields{secretIndex: obj.Name})
	})
}

// OfNamespace returns the DittoServers in a namespace.
func OfNamespace(servers client.Reader) handler.TypedEventHandler[*metav1.PartialObjectMetadata, reconcile.Request] {
	return handler.TypedEnqueueRequestsFromMapFunc(func(ctx context.Context, obj *metav1.PartialObjectMetadata) []reconcile.Request {
		return list(ctx, servers, client.InNamespace(obj.Name))
	})
}

// NamespaceChanged lets pass what can change the state of a namespace: that it comes, goes, or begins to go.
func NamespaceChanged() predicate.TypedPredicate[*metav1.PartialObjectMetadata] {
	return predicate.TypedFuncs[*metav1.PartialObjectMetadata]{
		UpdateFunc: func(e event.TypedUpdateEvent[*metav1.PartialObjectMetadata]) bool {
			return e.ObjectOld.UID != e.ObjectNew.UID || (e.ObjectOld.DeletionTimestamp == nil) != (e.ObjectNew.DeletionTimestamp == nil)
		},
	}
}

func list(ctx context.Context, servers client.Reader, opts ...client.ListOption) []reconcile.Request {
	found := &dittofsv1alpha1.DittoServerList{}
	if err := servers.List(ctx, found, opts...); err != nil {
		log.FromContext(ctx).Error(err, "Cannot list DittoServers for an event")
		return nil
	}
	requests := make([]reconcile.Request, 0, len(found.Items))
	for i := range found.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&found.Items[i])})
	}
	return requests
}

// ComesOrGoes lets pass that an object is there or is not.
func ComesOrGoes[O client.Object]() predicate.TypedPredicate[O] {
	return predicate.TypedFuncs[O]{UpdateFunc: func(event.TypedUpdateEvent[O]) bool { return false }}
}
