// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package orphans tells of file servers that run without their DittoServer: after a store was lost or restored from an older
// copy, and after a delete with --cascade=orphan.
// In go our StatefulSets and the DittoServers; out come a log line, an event and a metric. It changes nothing.
package orphans

import (
	"context"
	"fmt"
	"sync"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/watches"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// Name of the controller, in --controllers, logs and metrics.
const Name = "orphan-finder"

// Reason of the event.
const Reason = "DittoServerMissing"

var count = metrics.NewGauge(&metrics.GaugeOpts{
	Namespace: "dittofs", Name: "orphaned_servers", StabilityLevel: metrics.ALPHA,
	Help: "StatefulSets of ours whose DittoServer does not exist. They go on running. Counted by the process that runs the controllers.",
})

// RegisterMetrics makes the metric visible; registering again does nothing.
var RegisterMetrics = sync.OnceFunc(func() { legacyregistry.MustRegister(count) })

// Recorder records events in the host cluster.
type Recorder interface {
	Eventf(regarding, related runtime.Object, eventtype, reason, action, note string, args ...any)
}

// Finder looks for them. The name of a request is that of a DittoServer, which there may be or not.
type Finder struct {
	// Servers reads DittoServers from a cache, LiveServers from our API; Host reads StatefulSets from a cache.
	Servers     client.Reader
	LiveServers client.Reader
	Host        client.Reader
	Events      Recorder
	// ObserveOnly says that nothing may be written, events neither.
	ObserveOnly func() (bool, string)

	mu    sync.Mutex
	known map[types.NamespacedName]types.UID
}

// Reconcile looks at one name.
func (f *Finder) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	set := &appsv1.StatefulSet{}
	err := f.Host.Get(ctx, types.NamespacedName{Namespace: req.Namespace, Name: render.StatefulSetName(req.Name)}, set)
	if apierrors.IsNotFound(err) || err == nil && (set.DeletionTimestamp != nil || !apply.Ours(set, req.Name, "")) {
		f.forget(req.NamespacedName)
		return reconcile.Result{}, nil
	} else if err != nil {
		return reconcile.Result{}, fmt.Errorf("read StatefulSet: %w", err)
	}
	for _, servers := range []client.Reader{f.Servers, f.LiveServers} {
		err := servers.Get(ctx, req.NamespacedName, &dittofsv1alpha1.DittoServer{})
		if err == nil {
			f.forget(req.NamespacedName)
			return reconcile.Result{}, nil
		}
		if !apierrors.IsNotFound(err) {
			return reconcile.Result{}, fmt.Errorf("read DittoServer: %w", err)
		}
	}
	if f.note(req.NamespacedName, set.UID) {
		log.FromContext(ctx).Info("A file server runs without its DittoServer. Apply the DittoServer again and it is adopted without a restart, or delete what is left of it", "statefulSet", set.Name)
		if observing, _ := f.ObserveOnly(); !observing {
			f.Events.Eventf(set, nil, corev1.EventTypeNormal, Reason, "Find",
				"There is no DittoServer %s. Apply it again, as somebody who may update StatefulSets here, and this file server is adopted without a restart; or delete what is left of it: "+
					"kubectl delete statefulset,service,configmap,networkpolicy,ingress -l %s=%s", req.Name, dittofsv1alpha1.LabelServer, req.Name)
		}
	}
	return reconcile.Result{}, nil
}

// note says whether this orphan is new to us.
func (f *Finder) note(name types.NamespacedName, uid types.UID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known[name] == uid {
		return false
	}
	if f.known == nil {
		f.known = map[types.NamespacedName]types.UID{}
	}
	f.known[name] = uid
	count.Set(float64(len(f.known)))
	return true
}

func (f *Finder) forget(name types.NamespacedName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.known, name)
	count.Set(float64(len(f.known)))
}

// Setup adds the controller to a manager of our API. rec is the Finder or something around it.
func Setup(mgr manager.Manager, host cluster.Cluster, rec reconcile.Reconciler) error {
	count.Set(0) // of a former term
	c, err := controller.New(Name, mgr, controller.Options{Reconciler: rec, MaxConcurrentReconciles: 1})
	if err != nil {
		return fmt.Errorf("new controller %s: %w", Name, err)
	}
	for _, src := range []source.Source{
		source.Kind(mgr.GetCache(), &dittofsv1alpha1.DittoServer{}, &handler.TypedEnqueueRequestForObject[*dittofsv1alpha1.DittoServer]{}, watches.ComesOrGoes[*dittofsv1alpha1.DittoServer]()),
		source.Kind(host.GetCache(), &appsv1.StatefulSet{}, watches.OfLabel[*appsv1.StatefulSet](dittofsv1alpha1.LabelServer), watches.ComesOrGoes[*appsv1.StatefulSet]()),
	} {
		if err := c.Watch(src); err != nil {
			return fmt.Errorf("controller %s: %w", Name, err)
		}
	}
	return nil
}
