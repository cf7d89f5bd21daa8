// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/nscheck"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// report writes the status if it says something new, and then the events that go with the change.
func (p *pass) report(ctx context.Context) error {
	if p.waiting {
		// What the cache shows is older than what we know. Its event brings us back.
		p.keepNews()
		return nil
	}
	v, err := p.view(ctx)
	if err != nil {
		return err
	}
	p.fences.put(p.key, v.fence())
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
		server:        p.server,
		now:           p.now,
		problems:      p.problems,
		rewritten:     p.rewritten,
		set:           p.set,
		held:          p.held,
		pending:       p.pending,
		adopting:      p.adopting,
		waitsFor:      p.waitsFor,
		probing:       p.Observations != nil,
		identity:      p.identity,
		otherDatabase: p.otherDatabase,
		percona:       p.percona,
		listening:     p.listening(),
	}
	if p.complete {
		v.made = sortedReferences(p.made)
	}
	v.certificates = p.certificates()
	var err error
	if v.conformance, err = p.conformance(ctx); err != nil {
		return v, err
	}
	if p.namespace != nscheck.Same || p.stored.DeletionTimestamp != nil {
		// What has the names of ours in another namespace is none of it.
		return v, nil
	}
	if v.volumes, err = p.volumes(ctx); err != nil {
		return v, err
	}
	v.volumesKnown = true
	if v.set == nil {
		return v, nil
	}
	v.pod, v.dfs = p.pod, p.dfs
	return v, p.exposed(ctx, &v)
}

// exposed looks up what tells the addresses of the server.
func (p *pass) exposed(ctx context.Context, v *view) error {
	service, err := ours(ctx, p, &corev1.Service{}, render.APIServiceName(p.server.Name))
	if err != nil {
		return err
	}
	v.apiService = service
	if p.server.Spec.ControlPlane.Ingress != nil {
		if v.ingress, err = ours(ctx, p, &networkingv1.Ingress{}, render.IngressName(p.server.Name)); err != nil {
			return err
		}
	}
	types := map[string]bool{}
	for _, a := range p.stored.Status.Adapters {
		types[a.Type] = true
	}
	if v.dfs != nil {
		for _, a := range v.dfs.Adapters {
			types[a.Type] = true
		}
	}
	v.adapterServices = map[string]*corev1.Service{}
	for t := range types {
		if v.adapterServices[t], err = ours(ctx, p, &corev1.Service{}, render.AdapterName(p.server.Name, t)); err != nil {
			return err
		}
		udp, err := ours(ctx, p, &corev1.Service{}, render.AdapterUDPServiceName(p.server.Name, t))
		if err != nil {
			return err
		}
		v.balancers = append(v.balancers, v.adapterServices[t], udp)
	}
	return nil
}

// ours looks up an object of this server in the cache. It is nil if there is none.
func ours[O client.Object](ctx context.Context, p *pass, obj O, name string) (found O, err error) {
	switch err := p.Host.Get(ctx, types.NamespacedName{Namespace: p.key.Namespace, Name: name}, obj); {
	case apierrors.IsNotFound(err):
		return found, nil
	case err != nil:
		return found, fmt.Errorf("look up %T %s in the cache: %w", obj, name, err)
	case !apply.Ours(obj, p.server.Name, p.server.UID):
		return found, nil
	}
	return obj, nil
}

// sortedReferences lists each object once. It is never nil: a server may have no object, and that is known then.
func sortedReferences(list []dittofsv1alpha1.ObjectReference) []dittofsv1alpha1.ObjectReference {
	out := append([]dittofsv1alpha1.ObjectReference{}, list...)
	slices.SortFunc(out, func(a, b dittofsv1alpha1.ObjectReference) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.APIVersion, b.APIVersion), cmp.Compare(a.Name, b.Name))
	})
	return slices.Compact(out)
}
