// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// findStatefulSet looks up our StatefulSet and its pod. Whether it exists decides what may be made anew.
func (p *pass) findStatefulSet(ctx context.Context) error {
	set := &appsv1.StatefulSet{}
	key := types.NamespacedName{Namespace: p.key.Namespace, Name: render.StatefulSetName(p.server.Name)}
	err := p.Host.Get(ctx, key, set)
	if apierrors.IsNotFound(err) {
		// A cache that lags must not make us render new claim templates over those that exist.
		err = p.Live.Get(ctx, key, set)
	}
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("look up StatefulSet %s: %w", key.Name, err)
	case apply.Ours(set, p.server.Name, p.server.UID):
		p.set = set
		return p.findPod(ctx)
	}
	p.foreign = set
	return nil
}

// findPod looks up the pod of our StatefulSet, and what the probe has seen of it.
func (p *pass) findPod(ctx context.Context) error {
	pod := &corev1.Pod{}
	name := render.PodName(p.server.Name)
	err := p.Host.Get(ctx, types.NamespacedName{Namespace: p.key.Namespace, Name: name}, pod)
	switch {
	case apierrors.IsNotFound(err):
	case err != nil:
		return fmt.Errorf("look up Pod %s in the cache: %w", name, err)
	case ownPod(pod, p.set):
		p.pod = pod
		if p.Observations == nil {
			return nil
		}
		if seen, ok := p.Observations.Get(p.key); ok && seen.Pod == pod.UID {
			p.dfs = &seen
		}
	}
	return nil
}

// objects applies everything that is rendered. The pod's configuration and its template belong together: either both
// change or neither, so that a pod that is lost in between comes back as it was.
func (p *pass) objects(ctx context.Context, start startState) error {
	in := render.Inputs{ConfigHash: start.configHash, PostgresKeys: start.postgresKeys, ContentClaimLater: p.contentLater,
		LiveClaimTemplates: p.claimTemplates()}
	want, err := p.render(p.server, in)
	if err != nil {
		if len(p.problems) == 0 { // startSecrets may have said the same
			p.add(0, dittofsv1alpha1.ConditionConfigReady, reasonInvalidSpec, "The spec cannot be rendered: %s.", err)
		}
		p.held = p.set != nil
		return nil
	}
	if adopted(p.set) {
		markAdopted(want.StatefulSet)
	}
	p.held = p.set != nil && !start.ready
	change := rollout{}
	if p.set != nil {
		change.last = renderedOf(p.set)
	}
	if start.ready {
		if change, err = p.rollout(want.StatefulSet, start); err != nil {
			return err
		}
		p.template = change.now.template
		p.wait(change)
	}
	var errs []error
	if start.ready && p.pending == "" {
		claimed, err := p.contentClaim(ctx)
		p.held = p.held || !claimed
		errs = append(errs, err)
	}
	if change.begins() && p.pending == "" && !p.dryRun {
		errs = append(errs, p.try(ctx, change.now.written(want.StatefulSet)))
	}
	configured, unsure, err := p.configuration(ctx, want.ConfigMap)
	errs = append(errs, err)
	if p.holds() {
		// The Services lead to where the pod listens, and not to where it will.
		if stays, err := p.render(p.listening(), in); err == nil {
			want.HeadlessService, want.APIService = stays.HeadlessService, stays.APIService
		}
	}
	_, err = p.ensure(ctx, apply.Services(), render.HeadlessServiceName(p.server.Name), want.HeadlessService)
	errs = append(errs, err)
	_, err = p.ensure(ctx, apply.Services(), render.APIServiceName(p.server.Name), want.APIService)
	errs = append(errs, err)

	switch {
	case unsure:
		// Whether the configuration is as wanted shows in a moment, with the cache. The hash must not be ahead of it.
	case p.set == nil && (!start.ready || !configured):
		// dfs would write its first account without the password, or read somebody else's file. It waits.
	case p.holds() || !configured:
		p.held = p.held || !configured
		possible, err := p.holdTemplate(want.StatefulSet, change)
		if possible {
			err = p.applySet(ctx, want.StatefulSet)
		}
		errs = append(errs, err)
	default:
		errs = append(errs, p.applySet(ctx, change.now.written(want.StatefulSet)))
	}
	if p.set != nil {
		p.mine("apps/v1", "StatefulSet", p.set.Name)
	}
	return errors.Join(errs...)
}

// holds says that the pod and its configuration stay as they are.
func (p *pass) holds() bool { return p.held || p.pending != "" }

func (p *pass) render(server *dittofsv1alpha1.DittoServer, in render.Inputs) (*render.Objects, error) {
	if p.Render != nil {
		return p.Render(server, in)
	}
	return render.All(server, in)
}

// listening is the server with the port on which its pod listens: while the pod is held, or the server paused, not that of
// the spec.
func (p *pass) listening() *dittofsv1alpha1.DittoServer {
	if p.set == nil || !p.holds() && !p.server.Spec.Paused {
		return p.server
	}
	server := p.server.DeepCopy()
	for _, c := range p.set.Spec.Template.Spec.Containers {
		// The first port is that of the REST API.
		if c.Name == render.ContainerName && len(c.Ports) > 0 {
			server.Spec.ControlPlane.Port = ptr.To(c.Ports[0].ContainerPort)
		}
	}
	return server
}

// configuration applies the ConfigMap unless the pod is to stay as it is. configured says that it is there, ours and as
// wanted; unsure that what became of it is not known yet.
func (p *pass) configuration(ctx context.Context, want *corev1ac.ConfigMapApplyConfiguration) (configured, unsure bool, err error) {
	name := render.ConfigMapName(p.server.Name)
	if p.holds() && p.exists(ctx, apply.ConfigMaps(), name) {
		p.mine("v1", "ConfigMap", name)
		return true, false, nil
	}
	res, err := p.ensure(ctx, apply.ConfigMaps(), name, want)
	configured = err == nil && res.Action != apply.Conflict && res.Action != apply.Failed
	return configured, res.Action == apply.Waiting || p.waiting && !configured, err
}

func (p *pass) applySet(ctx context.Context, want *appsv1ac.StatefulSetApplyConfiguration) error {
	req := p.request(apply.StatefulSets(), render.StatefulSetName(p.server.Name), want)
	req.Seen = p.set != nil
	res, err := p.send(ctx, req)
	if err != nil {
		return err
	}
	if set, ok := res.Live.(*appsv1.StatefulSet); ok && res.Action != apply.Conflict {
		p.set = set
	}
	return nil
}

// ensure applies one object. What the API refuses for good becomes a problem, what may work again an error.
func (p *pass) ensure(ctx context.Context, kind apply.Kind, name string, want any) (apply.Result, error) {
	return p.send(ctx, p.request(kind, name, want))
}

func (p *pass) send(ctx context.Context, req apply.Request) (apply.Result, error) {
	res, err := p.Applier.Ensure(ctx, req)
	if err != nil {
		res.Action = apply.Failed // whatever it was going to be
		return res, p.refused(req.Kind.GVK.Kind, req.Name, err)
	}
	p.note(res)
	return res, nil
}

func (p *pass) request(kind apply.Kind, name string, want any) apply.Request {
	return apply.Request{Kind: kind, Server: p.key, UID: p.server.UID, Name: name, Want: want, DryRun: p.dryRun}
}

func (p *pass) exists(ctx context.Context, kind apply.Kind, name string) bool {
	obj := kind.New()
	return p.Host.Get(ctx, client.ObjectKey{Namespace: p.key.Namespace, Name: name}, obj) == nil
}

// holdTemplate puts what we own of the live pod template in the place of the rendered one. Leaving the template out would
// delete everything that we own of it. Where we own nothing, as after a restore from a backup, it is not possible.
func (p *pass) holdTemplate(want *appsv1ac.StatefulSetApplyConfiguration, change rollout) (possible bool, err error) {
	owned, err := appsv1ac.ExtractStatefulSet(p.set, dittofsv1alpha1.FieldManager)
	if err != nil {
		return false, fmt.Errorf("read what is ours of StatefulSet %s: %w", p.set.Name, err)
	}
	if owned.Spec == nil || owned.Spec.Template == nil {
		return false, nil
	}
	want.Spec.Template = owned.Spec.Template
	stays := change.last
	if change.now.sameInputs(change.last) {
		// Known to be the same, however another release writes them down.
		stays.server, stays.spec, stays.secrets = change.now.server, change.now.spec, change.now.secrets
	}
	stays.written(want)
	return true, nil
}
