// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package watches

import (
	"context"
	"time"

	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// GatherWindow is how long a pass waits for more events of the same kind: three claims that are bound, a pod that is
// scheduled, started and ready, and a StatefulSet that counts it make a dozen events within a second or two.
const GatherWindow = 500 * time.Millisecond

// progressPriority is that of news about progress. What users ask for goes first: a thousand new servers are all there
// before the first of them is followed, instead of each waiting for the news of those before it. The default is 0.
const progressPriority = -1

// Gathered delays what comes of news about progress, so that several of them make one pass, and lets everything else go
// first. A deletion, and a new generation, which is somebody's edit, are not delayed; nor is what another handler adds
// meanwhile.
func Gathered[O client.Object](inner handler.TypedEventHandler[O, reconcile.Request]) handler.TypedEventHandler[O, reconcile.Request] {
	return gathered[O]{inner}
}

type gathered[O client.Object] struct {
	handler.TypedEventHandler[O, reconcile.Request]
}

func (g gathered[O]) Create(ctx context.Context, e event.TypedCreateEvent[O], q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	g.TypedEventHandler.Create(ctx, e, delayed(q))
}

func (g gathered[O]) Update(ctx context.Context, e event.TypedUpdateEvent[O], q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	if e.ObjectOld.GetGeneration() == e.ObjectNew.GetGeneration() {
		q = delayed(q)
	}
	g.TypedEventHandler.Update(ctx, e, q)
}

func delayed(q workqueue.TypedRateLimitingInterface[reconcile.Request]) workqueue.TypedRateLimitingInterface[reconcile.Request] {
	if pq, ok := q.(priorityqueue.PriorityQueue[reconcile.Request]); ok {
		return delayedQueue{pq}
	}
	return q
}

// delayedQueue adds everything after the window. An item that is in the queue already keeps its earlier time.
type delayedQueue struct {
	priorityqueue.PriorityQueue[reconcile.Request]
}

func (q delayedQueue) Add(item reconcile.Request) {
	q.AddWithOpts(priorityqueue.AddOpts{}, item)
}

func (q delayedQueue) AddWithOpts(o priorityqueue.AddOpts, items ...reconcile.Request) {
	o.After = max(o.After, GatherWindow)
	if o.Priority == nil {
		o.Priority = ptr.To(progressPriority)
	}
	q.PriorityQueue.AddWithOpts(o, items...)
}
