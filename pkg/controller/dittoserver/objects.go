// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	appsv1ac "k8s.io/client-go/applyconfigurations/apps/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// findStatefulSet looks up our StatefulSet. Whether it exists decides what may be made anew.
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
	}
	return nil
}

// objects applies everything that is rendered. The pod's configuration and its template belong together: either both
// change or neither, so that a pod that is lost in between comes back as it was.
func (p *pass) objects(ctx context.Context, start startState) error {
	in := render.Inputs{ConfigHash: start.configHash, PostgresKeys: start.postgresKeys}
	if p.set != nil {
		in.LiveClaimTemplates = p.set.Spec.VolumeClaimTemplates
	}
	want, err := render.All(p.server, in)
	if err != nil {
		if len(p.problems) == 0 { // startSecrets may have said the same
			p.add(0, dittofsv1alpha1.ConditionConfigReady, reasonInvalidSpec, "The spec cannot be rendered: %s.", err)
		}
		p.held = p.set != nil
		return nil
	}
	p.held = p.set != nil && !start.ready
	name := p.server.Name

	var errs []error
	configured, unsure := true, false
	if !p.held || !p.exists(ctx, apply.ConfigMaps(), render.ConfigMapName(name)) {
		res, err := p.ensure(ctx, apply.ConfigMaps(), render.ConfigMapName(name), want.ConfigMap)
		errs = append(errs, err)
		configured = err == nil && res.Action != apply.Conflict
		unsure = res.Action == apply.Waiting
	}
	_, err = p.ensure(ctx, apply.Services(), render.HeadlessServiceName(name), want.HeadlessService)
	errs = append(errs, err)
	_, err = p.ensure(ctx, apply.Services(), render.APIServiceName(name), want.APIService)
	errs = append(errs, err)

	switch {
	case unsure:
		// Whether the configuration is as wanted shows in a moment, with the cache. The hash must not be ahead of it.
	case p.set == nil && (!start.ready || !configured):
		// dfs would write its first account without the password, or read somebody else's file. It waits.
	case p.held || !configured:
		p.held = true
		possible, err := holdTemplate(want.StatefulSet, p.set)
		if possible {
			err = p.applySet(ctx, want.StatefulSet)
		}
		errs = append(errs, err)
	default:
		errs = append(errs, p.applySet(ctx, want.StatefulSet))
	}
	return errors.Join(errs...)
}

func (p *pass) applySet(ctx context.Context, want *appsv1ac.StatefulSetApplyConfiguration) error {
	res, err := p.ensure(ctx, apply.StatefulSets(), render.StatefulSetName(p.server.Name), want)
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
	res, err := p.Applier.Ensure(ctx, apply.Request{Kind: kind, Server: p.key, UID: p.server.UID, Name: name, Want: want, DryRun: p.dryRun})
	if err != nil {
		return res, p.refused(kind.GVK.Kind, name, err)
	}
	p.note(res)
	return res, nil
}

func (p *pass) exists(ctx context.Context, kind apply.Kind, name string) bool {
	obj := kind.New()
	return p.Host.Get(ctx, client.ObjectKey{Namespace: p.key.Namespace, Name: name}, obj) == nil
}

// holdTemplate puts what we own of the live pod template in the place of the rendered one. Leaving the template out would
// delete everything that we own of it. Where we own nothing, as after a restore from a backup, it is not possible.
func holdTemplate(want *appsv1ac.StatefulSetApplyConfiguration, live *appsv1.StatefulSet) (possible bool, err error) {
	owned, err := appsv1ac.ExtractStatefulSet(live, dittofsv1alpha1.FieldManager)
	if err != nil {
		return false, fmt.Errorf("read what is ours of StatefulSet %s: %w", live.Name, err)
	}
	if owned.Spec == nil || owned.Spec.Template == nil {
		return false, nil
	}
	want.Spec.Template = owned.Spec.Template
	return true, nil
}
