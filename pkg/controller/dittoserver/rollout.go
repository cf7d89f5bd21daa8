// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// rollout is what the wanted StatefulSet means for the pod.
type rollout struct {
	now  rendered // what is rendered now
	last rendered // what was last applied, empty if that is not known
	// paths are the fields of the pod template that another rendering changes. Drift is none: who changes our fields has
	// caused the restart already, and has it undone at once.
	paths []string
}

func (r rollout) begins() bool { return len(r.paths) > 0 }

// rollout compares what is rendered with what we own of the live pod template.
func (p *pass) rollout(want *appsv1ac.StatefulSetApplyConfiguration, start startState) (rollout, error) {
	now, err := p.rendered(want, start)
	if err != nil {
		return rollout{}, err
	}
	r := rollout{now: now}
	if p.set == nil {
		return r, nil
	}
	r.last = renderedOf(p.set)
	if r.last.template == now.template {
		return r, nil
	}
	owned, err := appsv1ac.ExtractStatefulSet(p.set, dittofsv1alpha1.FieldManager)
	if err != nil {
		return rollout{}, fmt.Errorf("read what is ours of StatefulSet %s: %w", p.set.Name, err)
	}
	if owned.Spec == nil || owned.Spec.Template == nil {
		// Restored from somewhere without its managed fields: there is nothing to compare with, nor to hold.
		return r, nil
	}
	r.paths, err = apply.Diff(owned.Spec.Template, want.Spec.Template)
	return r, err
}

// wait decides whether a rollout has to wait for somebody to ask for it. Nothing waits where no pod would be restarted.
func (p *pass) wait(r rollout) {
	if !r.begins() || stoppedSet(p.set) || p.rolloutRequested() {
		return
	}
	how := fmt.Sprintf("To carry it out: kubectl annotate dittoservers.dittofs.io %s -n %s %s=%s.",
		p.key.Name, p.key.Namespace, dittofsv1alpha1.AnnotationRollout, dittofsv1alpha1.RolloutNow)
	fields := strings.Join(r.paths, ", ")
	switch {
	case r.now.sameInputs(r.last):
		// Upgrading dittofs-apiserver must not restart every file server of the cluster.
		p.pending = fmt.Sprintf("This release of dittofs-apiserver renders the pod otherwise than the one before (%s). "+
			"It waits for the next change that restarts the pod anyway. %s", fields, how)
	case p.server.Spec.Rollout == dittofsv1alpha1.RolloutOnRequest:
		p.pending = fmt.Sprintf("A change that restarts the pod waits, as spec.rollout: %s asks (%s). %s",
			dittofsv1alpha1.RolloutOnRequest, fields, how)
	}
}

func (p *pass) rolloutRequested() bool {
	return p.stored.Annotations[dittofsv1alpha1.AnnotationRollout] == dittofsv1alpha1.RolloutNow
}

// stoppedSet says that there is no pod that a changed template could restart.
func stoppedSet(set *appsv1.StatefulSet) bool {
	return set.Spec.Replicas != nil && *set.Spec.Replicas == 0 &&
		set.Status.Replicas == 0 && set.Status.ObservedGeneration >= set.Generation
}

// try asks the API for its opinion before a rollout touches anything: a StatefulSet that a quota or a webhook refuses
// would otherwise leave the pod with a configuration that is ahead of its template.
func (p *pass) try(ctx context.Context, want *appsv1ac.StatefulSetApplyConfiguration) error {
	name := render.StatefulSetName(p.server.Name)
	err := p.Applier.Try(ctx, p.request(apply.StatefulSets(), name, want), p.set)
	if err == nil {
		return nil
	}
	p.held = true
	return p.refused("StatefulSet", name, err)
}

// rolloutCarriedOut takes the request away once the StatefulSet has what is rendered, whether that meant a restart or
// not. The subresource finalize is the one way in which the controllers may write metadata; it takes this annotation
// away and adds none.
func (p *pass) rolloutCarriedOut(ctx context.Context) error {
	if !p.rolloutRequested() || p.dryRun || p.set == nil || p.template == "" || renderedOf(p.set).template != p.template {
		return nil
	}
	obj := p.stored.DeepCopy()
	delete(obj.Annotations, dittofsv1alpha1.AnnotationRollout)
	if err := p.Servers.SubResource(finalizeSubresource).Update(ctx, obj); err != nil {
		return fmt.Errorf("take the annotation %s away: %w", dittofsv1alpha1.AnnotationRollout, err)
	}
	p.stored.Annotations, p.stored.ResourceVersion = obj.Annotations, obj.ResourceVersion
	return nil
}
