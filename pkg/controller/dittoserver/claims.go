// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// growth is the last attempt to grow one claim.
type growth struct {
	claim   types.UID
	size    string
	refusal string // empty if it was accepted
	at      time.Time
}

// growthMemory keeps the last attempts, by the name of the claim: accepted ones until the cache shows them, refused ones
// until it is time to ask again.
type growthMemory struct{ table[map[string]growth] }

// growClaims raises the request of each claim to the size that the spec asks for. Claims never shrink, and the templates
// of the StatefulSet stay as they are.
func (p *pass) growClaims(ctx context.Context) error {
	sizes := render.ClaimSizes(p.server)
	last, _ := p.grown.get(p.key)
	next := map[string]growth{}
	p.refusals = map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(sizes)) {
		want := sizes[name]
		claim, err := p.claim(ctx, name)
		if err != nil {
			return err
		}
		// The StatefulSet controller makes a missing one, and only a bound one can grow: events bring us back.
		if claim == nil || claim.DeletionTimestamp != nil || claim.Status.Phase != corev1.ClaimBound {
			continue
		}
		have := claim.Spec.Resources.Requests[corev1.ResourceStorage]
		if want.Cmp(have) <= 0 {
			continue
		}
		tried, ok := last[name]
		if !ok || tried.claim != claim.UID || tried.size != want.String() || tried.refusal != "" && p.now.Sub(tried.at) >= expandRetry {
			if tried, err = p.grow(ctx, claim, want); err != nil {
				return err
			}
		}
		if tried.claim != "" {
			next[name] = tried
		}
		if tried.refusal != "" {
			p.refusals[name] = fmt.Sprintf("The claim %s cannot grow from %s to %s: %s Tried again every %s.",
				name, have.String(), want.String(), tried.refusal, expandRetry)
			p.add(expandRetry, dittofsv1alpha1.ConditionStorageReady, reasonExpansionRefused, "%s", p.refusals[name])
		}
	}
	p.grown.put(p.key, next)
	return nil
}

// grow sends one request. It owns the size by force: the controller that made the claim had to set it.
func (p *pass) grow(ctx context.Context, claim *corev1.PersistentVolumeClaim, size resource.Quantity) (growth, error) {
	what := fmt.Sprintf("PersistentVolumeClaim %s to %s", claim.Name, size.String())
	if p.dryRun {
		p.plan = append(p.plan, "grow "+what)
		return growth{}, nil
	}
	want := corev1ac.PersistentVolumeClaim(claim.Name, claim.Namespace).
		WithUID(claim.UID).
		WithSpec(corev1ac.PersistentVolumeClaimSpec().
			WithResources(corev1ac.VolumeResourceRequirements().
				WithRequests(corev1.ResourceList{corev1.ResourceStorage: size})))
	tried := growth{claim: claim.UID, size: size.String(), at: p.now}
	err := p.Host.Apply(ctx, want, client.FieldOwner(dittofsv1alpha1.FieldManager), client.ForceOwnership)
	switch {
	case err == nil:
		p.changed = append(p.changed, what)
	case apply.IsReplaced(err):
		return growth{}, nil // its event brings us back
	case apierrors.IsForbidden(err), apierrors.IsInvalid(err):
		tried.refusal = apiMessage(err) + "."
	default:
		return growth{}, partialError{fmt.Errorf("grow %s: %w", what, err)}
	}
	return tried, nil
}
