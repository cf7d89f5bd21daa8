// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// EnsureFrom is Ensure for a wish that was made from the live object, nil if there was none, as the API and no cache has
// it. Exactly that version is changed or nothing is: where somebody else sets the same fields with a purpose, a wish that
// was made from what was there before would undo it.
func (a *Applier) EnsureFrom(ctx context.Context, req Request, live client.Object) (Result, error) {
	res := Result{APIVersion: req.Kind.GVK.GroupVersion().String(), Kind: req.Kind.GVK.Kind, Name: req.Name, Action: Unchanged}
	want, err := toFields(req.Want)
	if err != nil {
		return res, fmt.Errorf("encode the wanted %s %s: %w", res.Kind, res.Name, err)
	}
	if live == nil {
		return a.create(ctx, req, res, want, "")
	}
	res.Live = live
	if !Ours(live, req.Server.Name, req.UID) {
		res.Action, res.Owner = Conflict, DescribeOwner(live)
		return res, nil
	}
	return a.change(ctx, req, res, want, live)
}

// change sends the difference between what is ours of a live object and what is wanted.
func (a *Applier) change(ctx context.Context, req Request, res Result, want fields, live client.Object) (Result, error) {
	owned, err := req.Kind.owned(live)
	if err != nil {
		return res, err
	}
	if res.Paths = changedPaths(owned, want); len(res.Paths) == 0 {
		return res, nil
	}
	last, known := a.memory.get(req)
	if known && last.made(live, want, owned) {
		// As in Ensure: this very wish made this very state.
		res.Action = Rewritten
		return res, nil
	}
	if req.DryRun {
		res.Action = Planned
		return res, nil
	}
	res.Action = Changed
	return a.send(ctx, req, res, want, precondition{uid: live.GetUID(), version: live.GetResourceVersion()})
}
