// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// servedRetry is how soon a kind is asked for again whose definition exists and which is not served yet.
const servedRetry = 10 * time.Second

// network makes the objects by which the server is reached, and takes those away that are no longer wanted.
func (p *pass) network(ctx context.Context) error {
	adapters, known := p.adapters()
	want, err := render.Network(p.listening(), render.Inputs{Adapters: adapters, ControllerPeers: p.ControllerPeers})
	if err != nil {
		p.add(0, conditionExposure, reasonInvalidSpec, "The spec cannot be rendered: %s.", err)
		return nil
	}
	if want.MetricsService != nil {
		want.AdapterServices = append(want.AdapterServices, want.MetricsService)
	}
	var ingresses []*networkingv1ac.IngressApplyConfiguration
	if want.Ingress != nil {
		ingresses = append(ingresses, want.Ingress)
	}
	return errors.Join(
		p.services(ctx, want.AdapterServices, known),
		p.only(ctx, apply.Ingresses(), named(ingresses), nil),
		p.policies(ctx, want.NetworkPolicies, known),
		p.serviceMonitor(ctx, want.ServiceMonitor),
	)
}

// adapters are those that are switched on in dfs. known is false unless the pod that runs has answered: then nobody can say
// that one is gone, and what there is stays. An adapter that is switched on and does not serve keeps its Service: a load
// balancer that is taken away for a moment comes back with another address.
func (p *pass) adapters() (adapters []render.Adapter, known bool) {
	if p.dfs == nil || !p.dfs.AdaptersKnown {
		return nil, false
	}
	for _, a := range p.dfs.EnabledAdapters() {
		adapters = append(adapters, render.Adapter{Type: a.Type, Port: a.Port, PortmapperPort: a.PortmapperPort, UDP: a.UDP})
	}
	return adapters, true
}

func (p *pass) services(ctx context.Context, want []*corev1ac.ServiceApplyConfiguration, adaptersKnown bool) error {
	keep := map[string]bool{render.APIServiceName(p.server.Name): true, render.HeadlessServiceName(p.server.Name): true}
	return p.only(ctx, apply.Services(), named(want), func(name string) bool {
		return keep[name] || !adaptersKnown && p.ofAdapter(name)
	})
}

// policies limits who reaches the pod. The first policy of a pod closes every port that no policy opens: with clients that
// may be connected, it waits until the ports of the adapters are known. A new pod has no clients.
func (p *pass) policies(ctx context.Context, want []*networkingv1ac.NetworkPolicyApplyConfiguration, adaptersKnown bool) error {
	kind := apply.NetworkPolicies()
	if len(want) > 0 && !adaptersKnown && p.pod != nil && !p.exists(ctx, kind, render.BaselinePolicyName(p.server.Name)) {
		return nil
	}
	return p.only(ctx, kind, named(want), func(name string) bool {
		return len(want) > 0 && !adaptersKnown && p.ofAdapter(name)
	})
}

// serviceMonitor is made as soon as the cluster has that kind; until then nothing is missing that would work.
func (p *pass) serviceMonitor(ctx context.Context, want *unstructured.Unstructured) error {
	if p.ServiceMonitors == nil || !p.ServiceMonitors.Served() {
		return nil
	}
	kind := apply.Unstructured(render.ServiceMonitorKind)
	if want == nil {
		return p.withoutServiceMonitor(ctx, kind)
	}
	res, err := p.Applier.Ensure(ctx, p.request(kind, want.GetName(), want))
	switch {
	case meta.IsNoMatchError(err), apierrors.IsNotFound(err), kindTerminating(err):
		p.recheck(servedRetry)
		return nil
	case err != nil:
		return p.refused(kind.GVK.Kind, want.GetName(), err)
	}
	p.note(res)
	return nil
}

// object is one wanted object, by its name.
type object struct {
	name string
	want any
}

// named lists apply configurations by the names of their objects.
func named[C interface{ GetName() *string }](want []C) []object {
	var out []object
	for _, c := range want {
		out = append(out, object{*c.GetName(), c})
	}
	return out
}

// only makes the objects of a kind what is wanted, and removes the others that we have made, unless stays says that one is
// none of this list's business.
func (p *pass) only(ctx context.Context, kind apply.Kind, want []object, stays func(string) bool) error {
	var errs []error
	wanted := map[string]bool{}
	for _, o := range want {
		wanted[o.name] = true
		_, err := p.ensure(ctx, kind, o.name, o.want)
		errs = append(errs, err)
	}
	return errors.Join(append(errs, p.prune(ctx, kind, func(name string) bool {
		return wanted[name] || stays != nil && stays(name)
	}))...)
}
