// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// volume is one claim that the spec asks for, and what became of it.
type volume struct {
	name      string
	claimName string
	recorded  string                        // UID of the claim that the server was set up with, empty if none is on record
	claim     *corev1.PersistentVolumeClaim // nil while there is none
	refusal   string                        // why it cannot grow
	reason    string                        // why it is not bound, if something is known to be missing
	trouble   string
}

// volumes looks the claims up.
func (p *pass) volumes(ctx context.Context) ([]volume, error) {
	var out []volume
	for _, claimName := range slices.Sorted(maps.Keys(render.ClaimSizes(p.server))) {
		vol := volume{
			name:      strings.TrimSuffix(claimName, "-"+render.PodName(p.server.Name)),
			claimName: claimName,
			refusal:   p.refusals[claimName],
		}
		if old := volumeStatusOf(p.stored.Status.Volumes, vol.name); old != nil {
			vol.recorded = old.ClaimUID
		}
		claim, err := p.claim(ctx, claimName)
		if err != nil {
			return nil, err
		}
		vol.claim = claim
		if claim == nil && !p.expectsVolume(vol.name) {
			continue
		}
		if claim != nil && claim.Status.Phase == corev1.ClaimPending {
			if vol.reason, vol.trouble, err = p.unbound(ctx, claim); err != nil {
				return nil, err
			}
		}
		out = append(out, vol)
	}
	return out, nil
}

// claim returns a claim of this server, nil if there is none.
func (p *pass) claim(ctx context.Context, name string) (*corev1.PersistentVolumeClaim, error) {
	claim := &corev1.PersistentVolumeClaim{}
	err := p.Host.Get(ctx, types.NamespacedName{Namespace: p.key.Namespace, Name: name}, claim)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look up PersistentVolumeClaim %s in the cache: %w", name, err)
	case claim.Labels[dittofsv1alpha1.LabelInstance] != p.server.Name:
		return nil, nil
	}
	return claim, nil
}

// unbound says what a claim waits for. Only its StorageClass is looked at: the rest is in the events of the claim.
func (p *pass) unbound(ctx context.Context, claim *corev1.PersistentVolumeClaim) (reason, trouble string, err error) {
	name := ptr.Deref(claim.Spec.StorageClassName, "")
	if claim.Spec.VolumeName != "" || claim.Spec.StorageClassName != nil && name == "" {
		// Somebody binds it by hand.
		return reasonVolumePending, fmt.Sprintf("The claim %s is not bound yet.", claim.Name), nil
	}
	if name == "" {
		p.recheck(conflictRetry)
		return reasonStorageClassNotFound, fmt.Sprintf("The claim %s names no StorageClass, and the cluster has no default one. Mark a StorageClass as the default.", claim.Name), nil
	}
	provisioner, err := p.provisioner(ctx, name)
	switch {
	case apierrors.IsNotFound(err):
		p.recheck(conflictRetry)
		return reasonStorageClassNotFound, fmt.Sprintf("The StorageClass %s of the claim %s does not exist. Create it.", name, claim.Name), nil
	case apierrors.IsForbidden(err):
		return reasonVolumePending, fmt.Sprintf("The claim %s waits for a volume of the StorageClass %s.", claim.Name, name), nil
	case err != nil:
		return "", "", fmt.Errorf("look up StorageClass %s: %w", name, err)
	}
	return reasonVolumePending, fmt.Sprintf("The claim %s waits for a volume of the StorageClass %s (provisioner %s). Its events say more.",
		claim.Name, name, provisioner), nil
}

// classMemory holds StorageClasses that were found a moment ago. Several claims of a server wait for the same one, in every
// pass until the last is bound, and many servers that are created at once wait together.
type classMemory struct{ table[knownClass] }

type knownClass struct {
	provisioner string
	at          time.Time
}

// classLifetime is shorter than anybody waits for a word about a class to change. One that is missing is looked up each time.
const classLifetime = 10 * time.Second

// provisioner looks up who makes the volumes of a StorageClass.
func (p *pass) provisioner(ctx context.Context, name string) (string, error) {
	key := types.NamespacedName{Name: name}
	if known, ok := p.classes.get(key); ok && p.now.Sub(known.at) < classLifetime {
		return known.provisioner, nil
	}
	p.classes.forget(key)
	class := &storagev1.StorageClass{}
	if err := p.Live.Get(ctx, key, class); err != nil {
		return "", err
	}
	p.classes.put(key, knownClass{class.Provisioner, p.now})
	return class.Provisioner, nil
}

func volumeStatusOf(list []dittofsv1alpha1.VolumeStatus, name string) *dittofsv1alpha1.VolumeStatus {
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}

// sizes are what the claim asks for and what it has.
func (vol volume) sizes() (requested, capacity *resource.Quantity) {
	if vol.claim == nil {
		return nil, nil
	}
	if q, ok := vol.claim.Spec.Resources.Requests[corev1.ResourceStorage]; ok {
		requested = &q
	}
	if q, ok := vol.claim.Status.Capacity[corev1.ResourceStorage]; ok {
		capacity = &q
	}
	return requested, capacity
}

// growing says from what to what the volume grows, empty if it does not.
func (vol volume) growing() string {
	requested, capacity := vol.sizes()
	if requested == nil || capacity == nil || capacity.Cmp(*requested) >= 0 {
		return ""
	}
	return fmt.Sprintf("%s from %s to %s", vol.claimName, capacity.String(), requested.String())
}

// status is what the status says of the volume.
func (vol volume) status(replaced, forget bool) dittofsv1alpha1.VolumeStatus {
	out := dittofsv1alpha1.VolumeStatus{Name: vol.name, ClaimName: vol.claimName, ClaimUID: vol.recorded}
	if vol.claim == nil {
		if forget {
			out.ClaimUID = ""
		}
		out.Message = "The claim does not exist: it is made when the pod starts."
		return out
	}
	if out.ClaimUID == "" || !replaced {
		out.ClaimUID = string(vol.claim.UID)
	}
	out.Phase = string(vol.claim.Status.Phase)
	out.Requested, out.Capacity = vol.sizes()
	switch growing := vol.growing(); {
	case vol.trouble != "":
		out.Message = vol.trouble
	case vol.refusal != "":
		out.Message = vol.refusal
	case vol.expansionFailure() != "":
		out.Message = vol.expansionFailure()
	case growing != "":
		out.Message = fmt.Sprintf("Growing: %s, %s.", growing, vol.expansionStep())
	}
	return out
}
