// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/watches"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// PrunedKinds are those of which each pass lists the objects of its server.
func PrunedKinds() []client.Object {
	return []client.Object{&corev1.Service{}, &networkingv1.Ingress{}, &networkingv1.NetworkPolicy{}}
}

// ofAdapter says that a name is that of an object of a protocol adapter.
func (p *pass) ofAdapter(name string) bool {
	return strings.HasPrefix(name, render.AdapterName(p.server.Name, ""))
}

// prune removes the objects of a kind that we have made for this server and that do not stay.
func (p *pass) prune(ctx context.Context, kind apply.Kind, stays func(string) bool) error {
	listed, err := p.listOf(kind)
	if err != nil {
		return err
	}
	var indexed []client.ListOption
	if p.Indexed {
		indexed = append(indexed, watches.OfServer(p.server.Name))
	}
	return p.pruneListed(ctx, p.Host, kind, listed, stays, indexed...)
}

// withoutServiceMonitor removes ours. It is looked for by its metadata, which is what is watched of that kind.
func (p *pass) withoutServiceMonitor(ctx context.Context, kind apply.Kind) error {
	err := p.pruneListed(ctx, p.Host, kind, metadataList(kind), func(string) bool { return false })
	var notWatched *cache.ErrResourceNotCached
	if errors.As(err, &notWatched) || meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
		// Its watch has not begun.
		p.recheck(servedRetry)
		return nil
	}
	return err
}

func metadataList(kind apply.Kind) *metav1.PartialObjectMetadataList {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind.GVK.GroupVersion().WithKind(kind.GVK.Kind + "List"))
	return list
}

// listOf returns an empty list for the objects of a kind.
func (p *pass) listOf(kind apply.Kind) (client.ObjectList, error) {
	obj, err := p.Host.Scheme().New(kind.GVK.GroupVersion().WithKind(kind.GVK.Kind + "List"))
	if err != nil {
		return nil, fmt.Errorf("list of %s: %w", kind.GVK.Kind, err)
	}
	list, ok := obj.(client.ObjectList)
	if !ok {
		return nil, fmt.Errorf("%T is no list", obj)
	}
	return list, nil
}

func (p *pass) pruneListed(ctx context.Context, from client.Reader, kind apply.Kind, list client.ObjectList, stays func(string) bool, more ...client.ListOption) error {
	ours := client.MatchingLabels{dittofsv1alpha1.LabelManagedBy: dittofsv1alpha1.ManagedBy, dittofsv1alpha1.LabelServer: p.server.Name}
	if err := from.List(ctx, list, append(more, client.InNamespace(p.key.Namespace), ours)...); err != nil {
		return fmt.Errorf("list the objects of kind %s: %w", kind.GVK.Kind, err)
	}
	var errs []error
	err := meta.EachListItem(list, func(item runtime.Object) error {
		obj, ok := item.(client.Object)
		if !ok || obj.GetDeletionTimestamp() != nil || !apply.Applied(obj) || apply.HeldUpstream(obj) {
			return nil
		}
		if stays(obj.GetName()) {
			p.mine(kind.GVK.GroupVersion().String(), kind.GVK.Kind, obj.GetName())
			return nil
		}
		errs = append(errs, p.discard(ctx, kind, obj))
		return nil
	})
	return errors.Join(append(errs, err)...)
}

// discard deletes one object of ours, as it was when it was found to be ours.
func (p *pass) discard(ctx context.Context, kind apply.Kind, obj client.Object) error {
	what := kind.GVK.Kind + " " + obj.GetName()
	if p.dryRun {
		p.plan = append(p.plan, "delete "+what)
		return nil
	}
	err := p.Host.Delete(ctx, obj,
		client.Preconditions{UID: ptr.To(obj.GetUID()), ResourceVersion: ptr.To(obj.GetResourceVersion())},
		client.PropagationPolicy(metav1.DeletePropagationBackground))
	switch {
	case err == nil:
		p.removed = append(p.removed, what)
	case apierrors.IsNotFound(err):
	case apierrors.IsConflict(err):
		p.recheck(soon)
	case p.stored.DeletionTimestamp != nil:
		return p.undeletable(kind.GVK.Kind, obj.GetName(), err)
	case apierrors.IsForbidden(err):
		p.add(refusedRetry, p.conditionOf(kind.GVK.Kind, obj.GetName()), reasonApplyRefused,
			"%s is no longer wanted and cannot be deleted: %s. Tried again every %s.", what, apiMessage(err), refusedRetry)
	default:
		return partialError{fmt.Errorf("delete %s: %w", what, err)}
	}
	return nil
}
