// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// laterContent decides whether a content volume comes to a StatefulSet that was made without one. Its claim templates
// cannot be changed, so the volume is an ordinary one on a claim that we make. What a local block store has written to the
// container's own layer would be hidden by it, so that such a store holds the volume back: nothing is migrated silently.
func (p *pass) laterContent() {
	storage := p.server.Spec.Storage
	if p.set == nil || storage.Ephemeral || storage.ContentSize == nil || claimTemplate(p.set, render.ContentVolume) {
		return
	}
	if mounts(p.set, render.ContentPath) || stoppedSet(p.set) {
		p.contentLater = true
		return
	}
	const waits = "The content volume is added when the server has said that no local block store lies under " + render.ContentPath + ": "
	condition := dittofsv1alpha1.ConditionStorageReady
	if p.Observations == nil {
		p.add(0, condition, reasonVolumePending, waits+"the controller dfs-probe, which asks it, is switched off. Scale the server to 0 to add the volume.")
		return
	}
	switch {
	case p.dfs == nil || !p.dfs.ContentKnown:
		p.add(0, condition, reasonVolumePending, waits+"it is being asked.")
	case len(p.dfs.ContentStores) > 0:
		p.add(0, condition, reasonContentNotOnVolume,
			"The content volume is not added: local block stores lie where it would be mounted, on the layer of the container (%s). "+
				"The volume would hide their files. Move their shares to a block store elsewhere and delete them, or take spec.storage.contentSize away again by creating the server anew.",
			strings.Join(p.dfs.ContentStores, ", "))
	default:
		p.contentLater = true
	}
}

// contentClaim makes the claim of a content volume that came later, before a pod asks for it. False: the pod must not be
// given the volume.
func (p *pass) contentClaim(ctx context.Context) (bool, error) {
	if !p.contentLater {
		return true, nil
	}
	want := render.ContentClaim(p.server)
	name := *want.Name
	if claim, err := p.claim(ctx, name); claim != nil || err != nil {
		return claim != nil, err
	}
	if p.dryRun {
		p.plan = append(p.plan, "create PersistentVolumeClaim "+name)
		return true, nil
	}
	text, err := json.Marshal(want)
	if err != nil {
		return false, fmt.Errorf("encode the claim %s: %w", name, err)
	}
	claim := &corev1.PersistentVolumeClaim{}
	if err := json.Unmarshal(text, claim); err != nil {
		return false, fmt.Errorf("decode the claim %s: %w", name, err)
	}
	switch err := p.Host.Create(ctx, claim, client.FieldOwner(dittofsv1alpha1.FieldManager)); {
	case err == nil:
		p.created = append(p.created, "PersistentVolumeClaim "+name)
		return true, nil
	case !apierrors.IsAlreadyExists(err):
		return false, p.refused("PersistentVolumeClaim", name, fmt.Errorf("create PersistentVolumeClaim %s: %w", name, err))
	}
	// The cache may be behind, or the claim another's.
	if err := p.Live.Get(ctx, types.NamespacedName{Namespace: p.key.Namespace, Name: name}, claim); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	if claim.Labels[dittofsv1alpha1.LabelInstance] != p.server.Name {
		p.nameConflict("PersistentVolumeClaim", name, "without the label "+dittofsv1alpha1.LabelInstance+": "+p.server.Name, nil)
		return false, nil
	}
	return true, nil
}

// expectsVolume says whether a volume of the spec is one of the live StatefulSet's too. One that is held back has no claim,
// and nobody waits for it but who holds it back.
func (p *pass) expectsVolume(name string) bool {
	if p.set == nil || name != render.ContentVolume {
		return true
	}
	return claimTemplate(p.set, name) || mounts(p.set, render.ContentPath)
}

func claimTemplate(set *appsv1.StatefulSet, name string) bool {
	for i := range set.Spec.VolumeClaimTemplates {
		if set.Spec.VolumeClaimTemplates[i].Name == name {
			return true
		}
	}
	return false
}

// mounts says whether the dfs container has something mounted at a path.
func mounts(set *appsv1.StatefulSet, at string) bool {
	for _, c := range set.Spec.Template.Spec.Containers {
		for _, m := range c.VolumeMounts {
			if c.Name == render.ContainerName && path.Clean(m.MountPath) == at {
				return true
			}
		}
	}
	return false
}
