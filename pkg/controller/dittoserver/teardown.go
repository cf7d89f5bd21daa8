// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/nscheck"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// teardownRetry bounds how long a lost event can hold up a deletion.
const teardownRetry = 30 * time.Second

// tearDown removes the parts of a deleted DittoServer and then lets it go. Claims and generated Secrets stay: they are
// the data, unless deletionPolicy says otherwise. done says that nothing is left to report on.
func (p *pass) tearDown(ctx context.Context) (done bool, err error) {
	if !controllerutil.ContainsFinalizer(p.stored, dittofsv1alpha1.Finalizer) {
		return true, nil // ours is done; somebody else holds it
	}
	leave := p.stored.Annotations[dittofsv1alpha1.AnnotationDeletionPropagation] == string(metav1.DeletePropagationOrphan)
	switch p.namespace {
	case nscheck.Missing, nscheck.Replaced, nscheck.Unstamped:
		// Whatever has our names in another namespace of that name is not ours to delete.
		leave = true
	}
	if p.dryRun {
		if leave {
			p.plan = append(p.plan, "let the object go and leave its parts")
		} else {
			p.plan = append(p.plan, "delete the parts and let the object go")
		}
		return false, nil
	}
	if !leave {
		p.waitsFor, err = p.removeParts(ctx)
		if err != nil {
			return false, err
		}
		if len(p.problems) > 0 {
			return false, nil // what cannot be deleted has been told, and says when to look again
		}
		if p.waitsFor != "" {
			p.recheck(teardownRetry)
			return false, nil
		}
	}
	if err := Finalize(ctx, p.Servers, p.stored); err != nil {
		return false, err
	}
	log.FromContext(ctx).Info("DittoServer is gone", "orphaned", leave)
	p.forget(p.key)
	return true, nil
}

// removeParts deletes what is ours, the pod's controller first and what the pod uses after it. It returns what has to be
// waited for, if anything.
func (p *pass) removeParts(ctx context.Context) (string, error) {
	name := p.server.Name
	set := &appsv1.StatefulSet{}
	state, err := p.remove(ctx, "StatefulSet", set, render.StatefulSetName(name))
	if err != nil {
		return "", err
	}
	if state == partGoing {
		return fmt.Sprintf("StatefulSet %s to be gone", set.Name), nil
	}
	pod, err := p.lastPod(ctx, set.UID, state)
	if err != nil {
		return "", err
	}
	if pod != nil {
		return fmt.Sprintf("Pod %s on node %q to stop", pod.Name, pod.Spec.NodeName), nil
	}
	for _, part := range []struct {
		kind string
		obj  client.Object
		name string
	}{
		{"Service", &corev1.Service{}, render.APIServiceName(name)},
		{"Service", &corev1.Service{}, render.HeadlessServiceName(name)},
		{"ConfigMap", &corev1.ConfigMap{}, render.ConfigMapName(name)},
	} {
		// A Service may wait for its cloud load balancer; that has a finalizer of its own and needs nothing of ours.
		if _, err := p.remove(ctx, part.kind, part.obj, part.name); err != nil {
			return "", err
		}
	}
	if err := p.removeNetwork(ctx); err != nil {
		return "", err
	}
	if waitsFor, err := p.removePercona(ctx); err != nil || waitsFor != "" {
		return waitsFor, err
	}
	if state == partForeign {
		return "", nil // whoever has the StatefulSet runs on the claims
	}
	return "", p.removeClaims(ctx)
}

// removeNetwork deletes what the server was reached by. The API is asked for the list: a cache that lags may not show what
// the last pass made.
func (p *pass) removeNetwork(ctx context.Context) error {
	for _, kind := range []apply.Kind{apply.Services(), apply.Ingresses(), apply.NetworkPolicies()} {
		listed, err := p.listOf(kind)
		if err != nil {
			return err
		}
		if err := p.pruneListed(ctx, p.Live, kind, listed, func(string) bool { return false }); err != nil {
			return err
		}
	}
	if p.ServiceMonitors == nil || !p.ServiceMonitors.Served() {
		return nil
	}
	kind := apply.Unstructured(render.ServiceMonitorKind)
	err := p.pruneListed(ctx, p.Live, kind, metadataList(kind), func(string) bool { return false })
	if meta.IsNoMatchError(err) || apierrors.IsNotFound(err) {
		return nil // the kind went in the meantime, and took its objects along
	}
	return err
}

// removeClaims deletes the data, last of all and only if the spec says so.
func (p *pass) removeClaims(ctx context.Context) error {
	if p.server.Spec.DeletionPolicy.Volumes != dittofsv1alpha1.DeleteData {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(render.ClaimSizes(p.server))) {
		claim := &corev1.PersistentVolumeClaim{}
		err := p.Live.Get(ctx, types.NamespacedName{Namespace: p.key.Namespace, Name: name}, claim)
		if apierrors.IsNotFound(err) {
			continue
		} else if err != nil {
			return fmt.Errorf("look up PersistentVolumeClaim %s: %w", name, err)
		}
		if claim.Labels[dittofsv1alpha1.LabelApp] != dittofsv1alpha1.AppName || claim.Labels[dittofsv1alpha1.LabelInstance] != p.server.Name {
			continue
		}
		if err := p.undeletable("PersistentVolumeClaim", name, p.Host.Delete(ctx, claim, client.Preconditions{UID: &claim.UID})); err != nil {
			return err
		}
	}
	return nil
}

type partState int

const (
	partGone partState = iota
	partGoing
	partForeign
)

// remove deletes one object if it is ours, and says what is left of it. It asks the API: a cache that lags must not make
// us let go too early, and what is not ours is in no cache.
func (p *pass) remove(ctx context.Context, kind string, obj client.Object, name string) (partState, error) {
	key := types.NamespacedName{Namespace: p.key.Namespace, Name: name}
	for range 2 {
		if err := p.Live.Get(ctx, key, obj); apierrors.IsNotFound(err) {
			return partGone, nil
		} else if err != nil {
			return partGone, fmt.Errorf("look up %s %s: %w", kind, name, err)
		}
		if !apply.Ours(obj, p.server.Name, p.server.UID) {
			return partForeign, nil
		}
		if obj.GetDeletionTimestamp() != nil {
			return partGoing, nil
		}
		uid := obj.GetUID()
		err := p.Host.Delete(ctx, obj, client.Preconditions{UID: &uid}, client.PropagationPolicy(metav1.DeletePropagationBackground))
		if err := p.undeletable(kind, name, err); err != nil {
			return partGone, err
		}
		if len(p.problems) > 0 {
			break // the next look would be refused as well
		}
	}
	return partGoing, nil
}

// undeletable turns what the host's API says to the deletion of a part into a problem: it stays, and the DittoServer with it.
// It returns what is left, which is nil for a part that is gone.
func (p *pass) undeletable(kind, name string, err error) error {
	var status apierrors.APIStatus
	switch {
	case client.IgnoreNotFound(err) == nil:
		return nil
	case apierrors.IsConflict(err), !errors.As(err, &status):
		return fmt.Errorf("delete %s %s: %w", kind, name, err)
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err), apierrors.IsBadRequest(err):
		p.add(refusedRetry, dittofsv1alpha1.ConditionProgressing, reasonApplyRefused,
			"The cluster refuses to delete %s %s: %s. The server stays until that is gone. Tried again every %s.", kind, name, apiMessage(err), refusedRetry)
		return nil
	}
	p.add(0, dittofsv1alpha1.ConditionProgressing, reasonApplyFailed,
		"%s %s could not be deleted: %s. It is tried again.", kind, name, apiMessage(err))
	return partialError{err}
}

// lastPod finds the pod that the removed StatefulSet leaves to the garbage collector. uid is that of the StatefulSet that
// exists under the name, if state says that there is one.
func (p *pass) lastPod(ctx context.Context, uid types.UID, state partState) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	key := types.NamespacedName{Namespace: p.key.Namespace, Name: render.PodName(p.server.Name)}
	if err := p.Live.Get(ctx, key, pod); apierrors.IsNotFound(err) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("look up Pod %s: %w", key.Name, err)
	}
	owner := metav1.GetControllerOf(pod)
	if owner == nil || owner.Kind != "StatefulSet" || owner.Name != render.StatefulSetName(p.server.Name) ||
		state == partForeign && owner.UID == uid {
		return nil, nil
	}
	return pod, nil
}
