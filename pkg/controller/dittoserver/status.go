// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// report writes the status if it says something new, and then the events that go with the change.
func (p *pass) report(ctx context.Context) error {
	if p.waiting {
		// What the cache shows is older than what we know. Its event brings us back.
		p.objectEvents()
		return nil
	}
	v, err := p.view(ctx)
	if err != nil {
		return err
	}
	status, recheck := v.status()
	p.recheck(recheck)
	p.objectEvents()
	if equality.Semantic.DeepEqual(p.stored.Status, status) {
		return nil
	}
	obj := p.stored.DeepCopy()
	obj.Status = status
	switch err := p.Servers.Status().Update(ctx, obj); {
	case apierrors.IsConflict(err):
		// There is a newer object, whose event brings us back.
		p.recheck(soon)
		return nil
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("write the status: %w", err)
	}
	p.writes.put(p.key, obj.ResourceVersion)
	p.statusEvents(p.stored.Status, status)
	return nil
}

// view gathers what the status is made of.
func (p *pass) view(ctx context.Context) (view, error) {
	v := view{
		server:    p.server,
		now:       p.now,
		problems:  p.problems,
		rewritten: p.rewritten,
		set:       p.set,
		held:      p.held,
		resizing:  p.resizing,
		waitsFor:  p.waitsFor,
		probing:   p.Observations != nil,
	}
	if v.set == nil {
		return v, nil
	}
	pod := &corev1.Pod{}
	err := p.Host.Get(ctx, types.NamespacedName{Namespace: p.key.Namespace, Name: render.PodName(p.server.Name)}, pod)
	switch {
	case apierrors.IsNotFound(err):
		return v, nil
	case err != nil:
		return v, fmt.Errorf("look up Pod %s in the cache: %w", render.PodName(p.server.Name), err)
	case !ownPod(pod, v.set):
		return v, nil
	}
	v.pod = pod
	if p.Observations != nil {
		if seen, ok := p.Observations.Get(p.key); ok && seen.Pod == pod.UID {
			v.dfs = &seen
		}
	}
	return v, nil
}
