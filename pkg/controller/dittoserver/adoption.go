// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// annotationAdopted on a StatefulSet says that the DittoFS operator has made it and that it is ours now. Until it also has
// annotationRenderedTemplate its pod is the one that the operator has started.
const annotationAdopted = "dittofs.io/adopted"

// conditionAdoption stands for what keeps a server from being adopted. Like conditionExposure it shows in Ready: the pod
// runs on, and what is said of it stays true.
const conditionAdoption = "Adoption"

// blockedRetry is how often it is looked whether the DittoFS operator has let go. Its objects are in no cache of ours.
const blockedRetry = 10 * time.Second

// adopt takes over what the DittoFS operator has left behind, as far as that restarts nothing: labels, and a partition that
// keeps the StatefulSet from replacing its pod. stop says that nothing else may be done in this pass. A server that was
// never adopted, or has been, costs no request here.
func (p *pass) adopt(ctx context.Context) (stop bool, err error) {
	switch {
	case p.set != nil && !awaitsWindow(p.set):
		p.adoptions.forget(p.key)
		return false, nil
	case p.set == nil && !adoptionAsked(p.server) && !p.upstreamIsBack():
		return false, nil
	}
	found, err := p.leftovers(ctx)
	if err != nil {
		return false, err
	}
	set := setOf(found)
	if set != nil {
		p.foreign = set
	}
	p.found = found
	if held := p.heldUpstream(ctx, found); len(held) > 0 {
		return true, p.blockAdoption(ctx, set, held)
	}
	if set == nil {
		return false, nil // nothing runs that could be adopted
	}
	if !p.leftBehind(set) {
		p.held = true
		p.nameConflict("StatefulSet", set.Name, apply.DescribeOwner(set), set)
		return true, nil
	}
	if err := p.underAdoption(ctx, set); err != nil {
		return false, err
	}
	switch mismatch, err := p.databaseMismatch(ctx, set, found); {
	case err != nil:
		return false, err
	case mismatch != "":
		p.held = true
		p.add(0, conditionAdoption, reasonDatabaseMismatch, "%s", mismatch)
		return true, nil
	}
	return p.label(ctx, found)
}

func adoptionAsked(server *dittofsv1alpha1.DittoServer) bool {
	return server.Annotations[dittofsv1alpha1.AnnotationAdopt] == "true"
}

func adopted(set *appsv1.StatefulSet) bool {
	return set != nil && set.Annotations[annotationAdopted] == "true"
}

// awaitsWindow says that an adopted server still runs as the DittoFS operator has left it.
func awaitsWindow(set *appsv1.StatefulSet) bool {
	return adopted(set) && set.Annotations[annotationRenderedTemplate] == ""
}

// upstreamIsBack says that the DittoFS operator has taken hold of a StatefulSet that was ours.
func (p *pass) upstreamIsBack() bool {
	return p.foreign != nil && apply.HeldUpstream(p.foreign) && apply.Labelled(p.foreign, p.server.Name, p.server.UID)
}

// underAdoption makes a StatefulSet the one that is reported on.
func (p *pass) underAdoption(ctx context.Context, set *appsv1.StatefulSet) error {
	p.set, p.adopting = set, true
	return p.findPod(ctx)
}

// blockAdoption touches nothing, and says what has to be done first.
func (p *pass) blockAdoption(ctx context.Context, set *appsv1.StatefulSet, held []string) error {
	p.held = true
	p.add(blockedRetry, conditionAdoption, reasonAdoptionBlocked, "%s", p.howToLetGo(held))
	if set == nil || !p.leftBehind(set) {
		return nil
	}
	return p.underAdoption(ctx, set)
}

// label makes the leftovers ours and changes nothing else in them. stop says that not all of them could be labelled.
func (p *pass) label(ctx context.Context, found []leftover) (stop bool, err error) {
	labels := render.ObjectLabels(p.server)
	var errs []error
	for i, l := range found {
		if !p.leftBehind(l.obj) {
			continue
		}
		var add func(map[string]any)
		if _, ok := l.obj.(*appsv1.StatefulSet); ok {
			add = holdPod
		}
		req := p.request(l.kind, l.obj.GetName(), nil)
		res, err := p.Applier.Label(ctx, req, l.obj, labels, add)
		if err != nil {
			stop, p.held = true, true
			errs = append(errs, p.refused(l.kind.GVK.Kind, l.obj.GetName(), err))
			continue
		}
		p.note(res)
		found[i].obj = res.Live
		if set, ok := res.Live.(*appsv1.StatefulSet); ok {
			p.set = set
		}
	}
	return stop, errors.Join(errs...)
}

// holdPod keeps the pod whatever becomes of the template, and marks the StatefulSet as adopted.
func holdPod(object map[string]any) {
	nested := func(in map[string]any, key string) map[string]any {
		m, ok := in[key].(map[string]any)
		if !ok {
			m = map[string]any{}
			in[key] = m
		}
		return m
	}
	nested(nested(object, "metadata"), "annotations")[annotationAdopted] = "true"
	nested(object, "spec")["updateStrategy"] = map[string]any{
		"type": string(appsv1.RollingUpdateStatefulSetStrategyType), "rollingUpdate": map[string]any{"partition": int64(1)},
	}
}

// openWindow decides whether an adopted server becomes what the spec asks for in this pass, which restarts its pod. Only
// somebody who asks for it opens the window. Then the fields of the DittoFS operator become ours, so that the applies that
// follow take away what is not wanted of them.
func (p *pass) openWindow(ctx context.Context, start startState) (open bool, err error) {
	switch {
	case !start.ready:
		p.held = true
		return false, nil
	case !p.rolloutRequested():
		p.pending, err = p.adoptionPlan(start)
		return false, err
	case p.dryRun:
		p.plan = append(p.plan, "open the window of the adopted StatefulSet "+p.set.Name)
		return false, nil
	}
	for _, l := range p.found {
		if l.kind.GVK == render.PerconaClusterKind || !p.leftBehind(l.obj) {
			continue
		}
		if err := p.Applier.TakeOver(ctx, l.obj); err != nil {
			p.held = true
			return false, p.refused(l.kind.GVK.Kind, l.obj.GetName(), fmt.Errorf("take over %s %s: %w", l.kind.GVK.Kind, l.obj.GetName(), err))
		}
		if set, ok := l.obj.(*appsv1.StatefulSet); ok {
			p.set = set
		}
	}
	p.adopting = false
	return true, nil
}

// leftover is an object with one of our names, as the API has it.
type leftover struct {
	kind apply.Kind
	obj  client.Object
}

func (l leftover) String() string { return l.kind.GVK.Kind + " " + l.obj.GetName() }

func setOf(found []leftover) *appsv1.StatefulSet {
	for _, l := range found {
		if set, ok := l.obj.(*appsv1.StatefulSet); ok {
			return set
		}
	}
	return nil
}

// adoptionMemory holds the leftovers of servers that wait for their window, until one of them changes.
type adoptionMemory struct{ table[lookedAt] }

// lookedAt is what was found while the caches showed a view.
type lookedAt struct {
	view  string
	found []leftover
}
