// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/watches"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// leftovers are the objects of our names. The API is asked: what the DittoFS operator has made is in no cache. A server that
// waits for its window is labelled throughout, so that every change of an object of its shows in the caches: the API is
// asked again only then.
func (p *pass) leftovers(ctx context.Context) ([]leftover, error) {
	if p.set == nil || p.rolloutRequested() {
		return p.readLeftovers(ctx)
	}
	view, err := p.cachedView(ctx)
	if err != nil {
		return nil, err
	}
	if last, ok := p.adoptions.get(p.key); ok && last.view == view {
		return last.found, nil
	}
	found, err := p.readLeftovers(ctx)
	if err == nil {
		p.adoptions.put(p.key, lookedAt{view, found})
	}
	return found, err
}

// cachedView is what the caches show of a labelled server.
func (p *pass) cachedView(ctx context.Context) (string, error) {
	view := []string{"StatefulSet " + p.set.ResourceVersion}
	ours := client.MatchingLabels{dittofsv1alpha1.LabelManagedBy: dittofsv1alpha1.ManagedBy, dittofsv1alpha1.LabelServer: p.server.Name}
	for _, kind := range []apply.Kind{apply.ConfigMaps(), apply.Services(), apply.NetworkPolicies()} {
		list, err := p.listOf(kind)
		if err != nil {
			return "", err
		}
		if err := p.Host.List(ctx, list, client.InNamespace(p.key.Namespace), ours); err != nil {
			return "", fmt.Errorf("list the objects of kind %s: %w", kind.GVK.Kind, err)
		}
		err = meta.EachListItem(list, func(item runtime.Object) error {
			if obj, ok := item.(client.Object); ok {
				view = append(view, fmt.Sprintf("%s %s %s", kind.GVK.Kind, obj.GetName(), obj.GetResourceVersion()))
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	slices.Sort(view)
	return strings.Join(view, "\n"), nil
}

func (p *pass) readLeftovers(ctx context.Context) ([]leftover, error) {
	var found []leftover
	single := map[string]apply.Kind{
		render.StatefulSetName(p.server.Name): apply.StatefulSets(),
		render.ConfigMapName(p.server.Name):   apply.ConfigMaps(),
		p.server.Name + "-postgres":           apply.UnstructuredKeyed(render.PerconaClusterKind),
	}
	if p.ServiceMonitors != nil && p.ServiceMonitors.Served() {
		single[render.MetricsName(p.server.Name)] = apply.Unstructured(render.ServiceMonitorKind)
	}
	for _, name := range slices.Sorted(maps.Keys(single)) {
		kind := single[name]
		obj := kind.New()
		err := p.Live.Get(ctx, types.NamespacedName{Namespace: p.key.Namespace, Name: name}, obj)
		switch {
		case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		case err != nil:
			return nil, fmt.Errorf("look up %s %s: %w", kind.GVK.Kind, name, err)
		default:
			found = append(found, leftover{kind, obj})
		}
	}
	for _, kind := range []apply.Kind{apply.Services(), apply.NetworkPolicies()} {
		list, err := p.listOf(kind)
		if err != nil {
			return nil, err
		}
		ofServer := client.MatchingLabels(render.SelectorLabels(p.server.Name))
		if err := p.Live.List(ctx, list, client.InNamespace(p.key.Namespace), ofServer); err != nil {
			return nil, fmt.Errorf("list the objects of kind %s: %w", kind.GVK.Kind, err)
		}
		err = meta.EachListItem(list, func(item runtime.Object) error {
			if obj, ok := item.(client.Object); ok && p.derived(obj.GetName()) {
				found = append(found, leftover{kind, obj})
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// derived says that a Service or a NetworkPolicy has one of our names.
func (p *pass) derived(name string) bool {
	server := p.server.Name
	return p.ofAdapter(name) || slices.Contains([]string{
		render.HeadlessServiceName(server), render.APIServiceName(server), render.MetricsName(server), render.BaselinePolicyName(server),
	}, name)
}

// heldUpstream names what the DittoFS operator holds still. Of Secrets the metadata is in the cache.
func (p *pass) heldUpstream(ctx context.Context, found []leftover) (held []string) {
	for _, l := range found {
		if apply.HeldUpstream(l.obj) {
			held = append(held, l.String())
		}
	}
	for _, name := range []string{
		render.JWTSecretName(p.server.Name), render.AdminSecretName(p.server.Name), p.server.Name + "-operator-credentials",
	} {
		secret := watches.NewSecretMetadata()
		err := p.Host.Get(ctx, types.NamespacedName{Namespace: p.key.Namespace, Name: name}, secret)
		if err == nil && apply.HeldUpstream(secret) {
			held = append(held, "Secret "+name)
		}
	}
	return held
}

// leftBehind says that an object is what the DittoFS operator has made for the server of this name, or ours already. The
// operator labels neither its StatefulSet nor its ConfigMap: the one is known by the pod that it selects and how it starts
// dfs, the other by that pod, which mounts it.
func (p *pass) leftBehind(obj client.Object) bool {
	if apply.Labelled(obj, p.server.Name, p.server.UID) {
		return true
	}
	if p.othersHave(obj) {
		return false
	}
	pod := render.SelectorLabels(p.server.Name)
	switch o := obj.(type) {
	case *appsv1.StatefulSet:
		return o.Name == render.StatefulSetName(p.server.Name) && o.Spec.Selector != nil && maps.Equal(o.Spec.Selector.MatchLabels, pod) &&
			o.Spec.ServiceName == render.HeadlessServiceName(p.server.Name) && dfsContainer(o) != nil
	case *corev1.ConfigMap:
		return slices.ContainsFunc(p.operatorsPod().Volumes, func(v corev1.Volume) bool { return v.ConfigMap != nil && v.ConfigMap.Name == o.Name })
	case *corev1.Service:
		return maps.Equal(o.Spec.Selector, pod)
	case *networkingv1.NetworkPolicy:
		return maps.Equal(o.Spec.PodSelector.MatchLabels, pod)
	case *unstructured.Unstructured:
		if o.GroupVersionKind() == render.PerconaClusterKind {
			return p.operatorsPodReads(o.GetName() + "-pguser-")
		}
		labels := o.GetLabels()
		return labels[dittofsv1alpha1.LabelApp] == pod[dittofsv1alpha1.LabelApp] && labels[dittofsv1alpha1.LabelInstance] == p.server.Name
	}
	return false
}

// operators says that an object is the DittoFS operator's, for a message: it holds it, or has left it behind. Of a Secret
// nothing tells but its name.
func (p *pass) operators(obj client.Object) bool {
	switch {
	case apply.HeldUpstream(obj):
		return true
	case p.foreign == nil || p.othersHave(obj):
		return false
	case obj.GetObjectKind().GroupVersionKind().Kind == "Secret":
		return p.leftBehind(p.foreign)
	}
	return p.leftBehind(obj)
}

// othersHave says that an object says of itself whose it is, and that it is neither ours nor the DittoFS operator's.
func (p *pass) othersHave(obj metav1.Object) bool {
	if by := obj.GetLabels()[dittofsv1alpha1.LabelManagedBy]; by != "" {
		return true
	}
	return metav1.GetControllerOf(obj) != nil && !apply.HeldUpstream(obj)
}

// operatorsPod is the pod that the StatefulSet of our name makes, empty without one.
func (p *pass) operatorsPod() corev1.PodSpec {
	switch {
	case p.set != nil:
		return p.set.Spec.Template.Spec
	case p.foreign != nil && p.leftBehind(p.foreign):
		return p.foreign.Spec.Template.Spec
	}
	return corev1.PodSpec{}
}

// operatorsPodReads says that dfs has a variable from a Secret whose name begins with a prefix.
func (p *pass) operatorsPodReads(prefix string) bool {
	pod := p.operatorsPod()
	return slices.ContainsFunc(pod.Containers, func(c corev1.Container) bool {
		return slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool {
			return e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil && strings.HasPrefix(e.ValueFrom.SecretKeyRef.Name, prefix)
		})
	})
}

func dfsContainer(set *appsv1.StatefulSet) *corev1.Container {
	for i := range set.Spec.Template.Spec.Containers {
		if c := &set.Spec.Template.Spec.Containers[i]; c.Name == render.ContainerName {
			return c
		}
	}
	return nil
}
