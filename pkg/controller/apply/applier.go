// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package apply makes one object of the host cluster what it should be, by server-side apply.
// In go an apply configuration and the name of its DittoServer; out comes what was done, or whose object is in the way.
// It never sends a request when nothing would change, and never touches an object that is not ours.
package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Action is what Ensure did.
type Action string

const (
	// Unchanged means that the object is as wanted already.
	Unchanged Action = "Unchanged"
	// Created means that the object was missing and now exists.
	Created Action = "Created"
	// Changed means that a difference was sent.
	Changed Action = "Changed"
	// Waiting means that the cache does not show our last apply yet. Its watch event will come.
	Waiting Action = "Waiting"
	// Rewritten means that somebody changes what we apply on its way in, so that sending it again is pointless.
	Rewritten Action = "Rewritten"
	// Conflict means that the object is somebody else's.
	Conflict Action = "Conflict"
	// Failed means that the API did not take it.
	Failed Action = "Failed"
	// Planned means that something would have been sent, had it not been for DryRun.
	Planned Action = "Planned"
)

// Result describes one object after Ensure.
type Result struct {
	APIVersion string
	Kind       string
	Name       string
	Action     Action
	// Live is the object as last seen, with the type of its kind; nil when it does not exist.
	// After Created and Changed it is the answer to the apply.
	Live client.Object
	// Paths are the fields that differed, at most maxPaths of them.
	Paths []string
	// Owner says, after a Conflict, who has the object.
	Owner string
}

// Applier applies objects for the controllers. It is safe for use by several goroutines, one per DittoServer.
type Applier struct {
	// Cached reads objects that carry our labels; Live reads any object.
	Cached client.Reader
	Live   client.Reader
	// Writer sends the applies.
	Writer client.Writer

	memory memory
}

// Request is one object that is wanted.
type Request struct {
	Kind   Kind
	Server types.NamespacedName
	// UID is that of the DittoServer.
	UID  types.UID
	Name string
	// Want is the apply configuration of the object.
	Want any
	// DryRun computes the difference and sends nothing.
	DryRun bool
	// Seen says that Want was made from an object that exists: once that is gone, another one has to be thought out.
	Seen bool
}

// Ensure makes the object what it should be.
func (a *Applier) Ensure(ctx context.Context, req Request) (Result, error) {
	res := Result{APIVersion: req.Kind.GVK.GroupVersion().String(), Kind: req.Kind.GVK.Kind, Name: req.Name, Action: Unchanged}
	raw, err := json.Marshal(req.Want)
	if err != nil {
		return res, fmt.Errorf("encode the wanted %s %s: %w", res.Kind, res.Name, err)
	}
	// Most passes find nothing to do and never decode it.
	wanted := sync.OnceValues(func() (fields, error) {
		want, err := decodeFields(raw)
		if err != nil {
			return want, fmt.Errorf("decode the wanted %s %s: %w", req.Kind.GVK.Kind, req.Name, err)
		}
		return want, nil
	})
	key := types.NamespacedName{Namespace: req.Server.Namespace, Name: req.Name}
	live := req.Kind.New()
	cached := true
	if err := a.Cached.Get(ctx, key, live); apierrors.IsNotFound(err) {
		cached = false
		if created, done, err := a.tryCreate(ctx, req, res, wanted); done {
			return created, err
		}
		// The cache holds objects with our labels only, and may lag: only the API knows whose object that is.
		if err := a.Live.Get(ctx, key, live); apierrors.IsNotFound(err) {
			if req.Seen {
				res.Action = Waiting
				return res, nil
			}
			want, err := wanted()
			if err != nil {
				return res, err
			}
			return a.create(ctx, req, res, want, "")
		} else if err != nil {
			return res, fmt.Errorf("look up %s %s: %w", res.Kind, res.Name, err)
		}
	} else if err != nil {
		return res, fmt.Errorf("look up %s %s in the cache: %w", res.Kind, res.Name, err)
	}
	res.Live = live
	if !Ours(live, req.Server.Name, req.UID) {
		res.Action, res.Owner = Conflict, DescribeOwner(live)
		return res, nil
	}
	last, known := a.memory.get(req)
	if known && cached && older(live.GetResourceVersion(), last.resourceVersion) {
		// Nothing can be concluded from it, not even that all is well.
		res.Action = Waiting
		return res, nil
	}
	wish := digest(raw)
	if known && last.settled(live, wish) {
		return res, nil
	}
	want, err := wanted()
	if err != nil {
		return res, err
	}
	owned, err := req.Kind.owned(live)
	if err != nil {
		return res, err
	}
	if res.Paths = changedPaths(owned, want); len(res.Paths) == 0 {
		a.memory.settle(req, live, wish)
		return res, nil
	}
	if known && last.made(live, want, owned) {
		// This very wish was applied to this very state before, and this state is what came of it.
		res.Action = Rewritten
		return res, nil
	}
	if req.DryRun {
		res.Action = Planned
		return res, nil
	}
	if service, ok := live.(*corev1.Service); ok && len(service.Spec.Ports) > 0 {
		if err := a.repairPorts(ctx, req, want); err != nil {
			return res, err
		}
	}
	res.Action = Changed
	return a.send(ctx, req, res, want, precondition{uid: live.GetUID()})
}

// noVersion is the resource version of no object. An apply that names it makes an object, and changes none: where there is
// one, the API answers 409 instead. Kubernetes v1.37 does so for every kind.
const noVersion = "1"

// tryCreate makes an object of which nothing is known, and asks only then whether the name is free when it is not: a
// server of ten objects is there with ten requests. done is false if the name is not free, or nothing was tried.
func (a *Applier) tryCreate(ctx context.Context, req Request, res Result, wanted func() (fields, error)) (made Result, done bool, err error) {
	if _, known := a.memory.get(req); known || req.Seen || req.DryRun {
		return res, false, nil
	}
	want, err := wanted()
	if err != nil {
		return res, true, err
	}
	made, err = a.create(ctx, req, res, want, noVersion)
	if apierrors.IsConflict(err) {
		return res, false, nil
	}
	return made, true, err
}

// create applies without force: if somebody else makes the object in this moment, their fields conflict with ours
// instead of being overwritten.
func (a *Applier) create(ctx context.Context, req Request, res Result, want fields, version string) (Result, error) {
	if req.DryRun {
		res.Action = Planned
		return res, nil
	}
	res.Action = Created
	return a.send(ctx, req, res, want, precondition{version: version})
}

// precondition is what an object must be to be changed. Empty fields ask for nothing.
type precondition struct {
	uid     types.UID
	version string
}

func (a *Applier) send(ctx context.Context, req Request, res Result, want fields, must precondition) (Result, error) {
	u := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(want.sent)}
	opts := []client.ApplyOption{client.FieldOwner(dittofsv1alpha1.FieldManager)}
	if must.version != "" {
		u.SetResourceVersion(must.version)
	}
	if must.uid != "" {
		// Another object of the same name is refused instead of being changed.
		u.SetUID(must.uid)
		opts = append(opts, client.ForceOwnership)
	}
	if err := a.Writer.Apply(ctx, client.ApplyConfigurationFromUnstructured(u), opts...); err != nil {
		return res, fmt.Errorf("apply %s %s: %w", res.Kind, res.Name, err)
	}
	live := req.Kind.New()
	if plain, ok := live.(*unstructured.Unstructured); ok {
		plain.Object = u.Object
	} else if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, live); err != nil {
		return res, fmt.Errorf("decode the applied %s %s: %w", res.Kind, res.Name, err)
	}
	res.Live = live
	made := record{uid: live.GetUID(), resourceVersion: live.GetResourceVersion(), want: hash(want)}
	if res.Action == Changed {
		owned, err := req.Kind.owned(live)
		if err != nil {
			return res, err
		}
		made.owned = hash(owned)
		if paths := changedPaths(owned, want); len(paths) > 0 {
			// Said at once: if the answer equals what was there before, no watch event follows.
			res.Action, res.Paths = Rewritten, paths
		}
	}
	// What was created is compared when the cache shows it: reading managed fields takes half of the time of a first pass.
	a.memory.put(req, made)
	return res, nil
}

// Forget drops what is remembered about the objects of a DittoServer.
func (a *Applier) Forget(server types.NamespacedName) { a.memory.forget(server) }

// older says that a was written before b. Resource versions that cannot be compared count as not older: then at worst
// one request too many is sent.
func older(a, b string) bool {
	c, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && c < 0
}
