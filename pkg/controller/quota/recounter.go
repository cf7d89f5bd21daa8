// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package quota keeps what ResourceQuotas say of DittoServers true: admission only ever counts up.
// In go ResourceQuotas of the host cluster and DittoServers; out comes status.used of our two resources, when it is wrong.
// It never touches what a quota says of other resources, and never lowers a figure that a request in flight may have raised.
package quota

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/quota"
)

// Name of the controller, in --controllers, logs and metrics.
const Name = "quota"

const (
	// settle is how long a quota must have been left alone before a figure in it is lowered: admission charges a quota
	// before the object is stored, and a create that is on its way must not lose its place to another one.
	settle = 5 * time.Second
	// observeRetry is how often a quota is looked at again that may not be written for now.
	observeRetry = time.Minute
)

// Recounter recounts quotas. It has one worker.
type Recounter struct {
	// Servers reads DittoServers from a cache, LiveServers from our API.
	Servers     client.Reader
	LiveServers client.Reader
	// Host reads ResourceQuotas from a cache, and patches their status.
	Host        client.Client
	Clock       clock.PassiveClock
	ObserveOnly func() (bool, string)

	seen map[types.NamespacedName]version
}

// version is a state of a quota, and when we saw it first.
type version struct {
	resourceVersion string
	since           time.Time
}

// Reconcile compares one quota with the DittoServers of its namespace.
func (r *Recounter) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	stored := &corev1.ResourceQuota{}
	if err := r.Host.Get(ctx, req.NamespacedName, stored); apierrors.IsNotFound(err) {
		delete(r.seen, req.NamespacedName)
		return reconcile.Result{}, nil
	} else if err != nil {
		return reconcile.Result{}, fmt.Errorf("read ResourceQuota: %w", err)
	}
	tracked := quota.Tracked(stored)
	if len(tracked) == 0 || stored.DeletionTimestamp != nil {
		delete(r.seen, req.NamespacedName)
		return reconcile.Result{}, nil
	}
	age := r.age(req.NamespacedName, stored.ResourceVersion)
	used, err := usage(ctx, r.Servers, stored.Namespace, tracked)
	if err != nil {
		return reconcile.Result{}, err
	}
	difference := compare(stored.Status.Used, used)
	if difference == same {
		return reconcile.Result{}, nil
	}
	// A cache may be behind the figure. What is written was counted by the store itself.
	if used, err = usage(ctx, r.LiveServers, stored.Namespace, tracked); err != nil {
		return reconcile.Result{}, err
	}
	switch difference = compare(stored.Status.Used, used); {
	case difference == same:
		return reconcile.Result{}, nil
	case difference == lower && age < settle:
		return reconcile.Result{RequeueAfter: settle - age}, nil
	}
	if observe, why := r.ObserveOnly(); observe {
		log.FromContext(ctx).Info("Observing only: this quota would be recounted", "why", why, "used", used)
		return reconcile.Result{RequeueAfter: observeRetry}, nil
	}
	return reconcile.Result{}, r.write(ctx, stored, used)
}

// age is how long the quota has been in this version, as far as we know.
func (r *Recounter) age(name types.NamespacedName, resourceVersion string) time.Duration {
	if r.seen == nil {
		r.seen = map[types.NamespacedName]version{}
	}
	known, ok := r.seen[name]
	if !ok || known.resourceVersion != resourceVersion {
		known = version{resourceVersion, r.Clock.Now()}
		r.seen[name] = known
	}
	return r.Clock.Since(known.since)
}

// usage counts the tracked resources of a namespace.
func usage(ctx context.Context, servers client.Reader, namespace string, tracked []corev1.ResourceName) (corev1.ResourceList, error) {
	found := &dittofsv1alpha1.DittoServerList{}
	if err := servers.List(ctx, found, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("count the DittoServers of namespace %s: %w", namespace, err)
	}
	return quota.Used(found.Items, tracked), nil
}

type verdict int

const (
	same   verdict = iota
	higher         // something is used that the quota does not know of, or it has no figure at all
	lower          // no more than the quota says is used
)

// compare says how the figures of a quota have to change.
func compare(recorded, counted corev1.ResourceList) verdict {
	out := same
	for name, now := range counted {
		was, known := recorded[name]
		switch c := now.Cmp(was); {
		case !known || c > 0:
			return higher
		case c < 0:
			out = lower
		}
	}
	return out
}

// write changes our figures in exactly the version that was looked at.
func (r *Recounter) write(ctx context.Context, stored *corev1.ResourceQuota, used corev1.ResourceList) error {
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": stored.UID, "resourceVersion": stored.ResourceVersion},
		"status":   map[string]any{"used": used},
	})
	if err != nil {
		return fmt.Errorf("encode what is used: %w", err)
	}
	err = r.Host.Status().Patch(ctx, stored, client.RawPatch(types.MergePatchType, patch))
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil // its event brings us back
	}
	if err != nil {
		return fmt.Errorf("write what is used: %w", err)
	}
	log.FromContext(ctx).Info("Recounted a quota", "used", used)
	return nil
}
