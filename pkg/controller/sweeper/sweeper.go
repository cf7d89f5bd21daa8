// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package sweeper removes DittoServers whose namespace was deleted while our API was away, or deleted and created anew.
// In go DittoServers and the namespaces of the host cluster; out come log lines and, after a grace period, deletions.
// It never touches anything in the host cluster, and never acts on the word of a cache.
package sweeper

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dittoserver"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/nscheck"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/watches"
)

// Name of the controller, in --controllers, logs and metrics.
const Name = "orphan-sweeper"

// DefaultGrace is the time between the finding and the removal.
const DefaultGrace = 5 * time.Minute

// observeRetry is how often an object is looked at again that may not be removed for now.
const observeRetry = time.Minute

// Sweeper removes left-over DittoServers. It has one worker.
type Sweeper struct {
	// Cached reads DittoServers, Host namespaces, both from a cache; Live asks the host's API.
	Cached client.Reader
	Host   client.Reader
	Live   client.Reader
	// Servers reads from our API, deletes and finalizes.
	Servers     client.Client
	Grace       time.Duration
	Clock       clock.PassiveClock
	ObserveOnly func() (bool, string)

	found map[found]time.Time
}

// found is an object that was seen to be left over. Its UID counts: a new object of the name starts anew.
type found struct {
	name types.NamespacedName
	uid  types.UID
}

// Reconcile looks at one DittoServer, and removes it once its time has come.
func (s *Sweeper) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	server := &dittofsv1alpha1.DittoServer{}
	if err := s.Cached.Get(ctx, req.NamespacedName, server); apierrors.IsNotFound(err) {
		s.forget(req.NamespacedName)
		return reconcile.Result{}, nil
	} else if err != nil {
		return reconcile.Result{}, fmt.Errorf("read DittoServer: %w", err)
	}
	state, err := nscheck.Check(ctx, s.Host, s.Live, server)
	if err != nil {
		return reconcile.Result{}, err
	}
	if state != nscheck.Missing && state != nscheck.Replaced {
		s.forget(req.NamespacedName)
		return reconcile.Result{}, nil
	}
	logger := log.FromContext(ctx).WithValues("namespaceState", state)
	if observe, why := s.ObserveOnly(); observe {
		logger.Info("Observing only: this left-over DittoServer would be removed", "why", why)
		return reconcile.Result{RequeueAfter: observeRetry}, nil
	}
	key := found{req.NamespacedName, server.UID}
	since, known := s.found[key]
	if !known {
		if s.found == nil {
			s.found = map[found]time.Time{}
		}
		since = s.Clock.Now()
		s.found[key] = since
		logger.Info("DittoServer is left over: its namespace is gone or another one. It will be removed, and nothing in the cluster with it", "in", s.Grace)
	}
	if left := s.Grace - s.Clock.Since(since); left > 0 {
		return reconcile.Result{RequeueAfter: left}, nil
	}
	return s.remove(ctx, req.NamespacedName, server.UID)
}

// remove deletes what the API has under the name, if it is still the object that was found and still left over.
func (s *Sweeper) remove(ctx context.Context, name types.NamespacedName, uid types.UID) (reconcile.Result, error) {
	server := &dittofsv1alpha1.DittoServer{}
	if err := s.Servers.Get(ctx, name, server); apierrors.IsNotFound(err) {
		return reconcile.Result{}, nil
	} else if err != nil {
		return reconcile.Result{}, fmt.Errorf("read DittoServer: %w", err)
	}
	if server.UID != uid {
		return reconcile.Result{}, nil // its own event brings us back
	}
	state, err := nscheck.Check(ctx, s.Live, s.Live, server)
	if err != nil || state != nscheck.Missing && state != nscheck.Replaced {
		return reconcile.Result{}, err
	}
	if server.DeletionTimestamp == nil {
		version := server.ResourceVersion
		// Not orphan: that would wait for the garbage collector. Whoever tears down leaves everything in a namespace that is
		// not the server's own.
		err := s.Servers.Delete(ctx, server,
			client.Preconditions{UID: &uid, ResourceVersion: &version},
			client.PropagationPolicy(metav1.DeletePropagationBackground))
		if apierrors.IsConflict(err) {
			return reconcile.Result{RequeueAfter: time.Second}, nil
		}
		if client.IgnoreNotFound(err) != nil {
			return reconcile.Result{}, fmt.Errorf("delete DittoServer: %w", err)
		}
		if err := s.Servers.Get(ctx, name, server); apierrors.IsNotFound(err) {
			return reconcile.Result{}, nil
		} else if err != nil {
			return reconcile.Result{}, fmt.Errorf("read DittoServer: %w", err)
		}
	}
	if server.UID != uid || server.DeletionTimestamp == nil {
		return reconcile.Result{}, nil
	}
	err = dittoserver.Finalize(ctx, s.Servers, server)
	if apierrors.IsConflict(err) {
		return reconcile.Result{RequeueAfter: time.Second}, nil
	}
	if err == nil {
		log.FromContext(ctx).Info("Removed a left-over DittoServer", "namespaceState", state)
	}
	return reconcile.Result{}, err
}

func (s *Sweeper) forget(name types.NamespacedName) {
	for key := range s.found {
		if key.name == name {
			delete(s.found, key)
		}
	}
}

// Setup adds the controller to a manager of our API. rec is the Sweeper or something around it.
func Setup(mgr manager.Manager, host cluster.Cluster, rec reconcile.Reconciler) error {
	c, err := controller.New(Name, mgr, controller.Options{Reconciler: rec, MaxConcurrentReconciles: 1})
	if err != nil {
		return fmt.Errorf("new controller %s: %w", Name, err)
	}
	for _, src := range []source.Source{
		source.Kind(mgr.GetCache(), &dittofsv1alpha1.DittoServer{}, &handler.TypedEnqueueRequestForObject[*dittofsv1alpha1.DittoServer]{}),
		source.Kind[*metav1.PartialObjectMetadata](host.GetCache(), nscheck.NewMetadata(), watches.OfNamespace(mgr.GetClient()), watches.NamespaceChanged()),
	} {
		if err := c.Watch(src); err != nil {
			return fmt.Errorf("controller %s: %w", Name, err)
		}
	}
	return nil
}
