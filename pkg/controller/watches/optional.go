// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package watches

import (
	"context"
	"sync"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// queue is where a source puts its requests.
type queue = workqueue.TypedRateLimitingInterface[reconcile.Request]

// Optional is a source of events about a kind that comes with a CustomResourceDefinition: now, later or never. Its objects
// are watched by their metadata, from the moment on that the definition exists.
type Optional struct {
	cache   cache.Cache
	kind    schema.GroupVersionKind
	servers client.Reader
	wants   func(*dittofsv1alpha1.DittoServer) bool
	source.SyncingSource

	mu   sync.Mutex
	run  context.Context    // of the controller: that of an event ends with the event
	stop context.CancelFunc // nil while the kind is not there
}

// Start begins to watch for the kind.
func (o *Optional) Start(ctx context.Context, q queue) error {
	o.mu.Lock()
	o.run = ctx
	o.mu.Unlock()
	return o.SyncingSource.Start(ctx, q)
}

// NewOptional returns a source for a kind with the given plural. Its events are about the DittoServer that the label
// dittofs.io/server names; when the kind comes or goes, about every DittoServer that wants one.
func NewOptional(c cache.Cache, kind schema.GroupVersionKind, plural string, servers client.Reader, wants func(*dittofsv1alpha1.DittoServer) bool) *Optional {
	o := &Optional{cache: c, kind: kind, servers: servers, wants: wants}
	// Inside an event of the definitions the controller is still starting, so that nothing can be added to it by its own
	// means: the second source is started on the same queue.
	o.SyncingSource = source.Kind[*metav1.PartialObjectMetadata](c, NewDefinitionMetadata(), handler.TypedFuncs[*metav1.PartialObjectMetadata, reconcile.Request]{
		CreateFunc: func(ctx context.Context, _ event.TypedCreateEvent[*metav1.PartialObjectMetadata], q queue) {
			o.appeared(ctx, q)
		},
		DeleteFunc: func(ctx context.Context, _ event.TypedDeleteEvent[*metav1.PartialObjectMetadata], q queue) {
			o.vanished(ctx, q)
		},
	}, predicate.NewTypedPredicateFuncs(func(definition *metav1.PartialObjectMetadata) bool {
		return definition.Name == plural+"."+kind.Group
	}))
	return o
}

// NewDefinitionMetadata returns an empty CustomResourceDefinition of which only the metadata is read.
func NewDefinitionMetadata() *metav1.PartialObjectMetadata {
	definition := &metav1.PartialObjectMetadata{}
	definition.SetGroupVersionKind(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"))
	return definition
}

// Served says whether the cluster has the kind now.
func (o *Optional) Served() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stop != nil
}

func (o *Optional) appeared(ctx context.Context, q queue) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stop != nil {
		return
	}
	run, cancel := context.WithCancel(o.run)
	objects := source.Kind[*metav1.PartialObjectMetadata](o.cache, o.metadata(), OfLabel[*metav1.PartialObjectMetadata](dittofsv1alpha1.LabelServer))
	// It comes back at once, and asks for the kind until the API serves it.
	if err := objects.Start(run, q); err != nil {
		cancel()
		log.FromContext(ctx).Error(err, "Cannot watch an optional kind", "kind", o.kind)
		return
	}
	o.stop = cancel
	log.FromContext(ctx).Info("An optional kind is in the cluster", "kind", o.kind)
	o.enqueue(ctx, q)
}

func (o *Optional) vanished(ctx context.Context, q queue) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stop == nil {
		return
	}
	o.stop()
	o.stop = nil
	if err := o.cache.RemoveInformer(ctx, o.metadata()); err != nil {
		log.FromContext(ctx).Error(err, "Cannot end the watch of an optional kind", "kind", o.kind)
	}
	log.FromContext(ctx).Info("An optional kind is no longer in the cluster", "kind", o.kind)
	o.enqueue(ctx, q)
}

func (o *Optional) metadata() *metav1.PartialObjectMetadata {
	obj := &metav1.PartialObjectMetadata{}
	obj.SetGroupVersionKind(o.kind)
	return obj
}

// enqueue calls for every DittoServer that has an interest. At start they come anyway.
func (o *Optional) enqueue(ctx context.Context, q queue) {
	found := &dittofsv1alpha1.DittoServerList{}
	if err := o.servers.List(ctx, found); err != nil {
		log.FromContext(ctx).V(1).Info("Cannot list DittoServers for an event", "error", err)
		return
	}
	for i := range found.Items {
		if o.wants(&found.Items[i]) {
			q.Add(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&found.Items[i])})
		}
	}
}
