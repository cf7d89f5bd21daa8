// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// composure is how long passes may break off, one after another, before the status says so. A single answer that is lost is
// nobody's business.
const composure = 10 * time.Second

// troubleMemory holds since when passes over a server break off.
type troubleMemory struct{ table[time.Time] }

// reportTrouble says in the status that passes break off, and why, if that has been so for a while. It touches no condition
// that tells of a part: nobody has looked. It returns the error of the pass.
func (p *pass) reportTrouble(ctx context.Context, cause error) error {
	if apierrors.IsConflict(cause) || errors.Is(cause, context.Canceled) || p.dryRun {
		return cause
	}
	since, known := p.trouble.get(p.key)
	if !known {
		since = p.now
		p.trouble.put(p.key, since)
	}
	if p.now.Sub(since) < composure {
		return cause
	}
	status := *p.stored.Status.DeepCopy()
	trouble := unknown(reasonHostUnavailable,
		"The cluster does not tell what has to be known: %s. What runs goes on as it is. It is tried again at least every %s.", stable(cause.Error()), maxRetry)
	if ready := meta.FindStatusCondition(status.Conditions, dittofsv1alpha1.ConditionReady); ready == nil || ready.ObservedGeneration != p.stored.Generation {
		// Nobody knows of the spec as it is now what has become of it.
		p.setCondition(&status, dittofsv1alpha1.ConditionReady, trouble)
	}
	p.setCondition(&status, dittofsv1alpha1.ConditionProgressing, trouble)
	switch {
	case p.stored.DeletionTimestamp != nil:
		status.Phase = dittofsv1alpha1.PhaseDeleting // that much is known without the cluster
	case status.Phase == "":
		status.Phase = dittofsv1alpha1.PhasePending
	}
	if equality.Semantic.DeepEqual(p.stored.Status, status) {
		return cause
	}
	obj := p.stored.DeepCopy()
	obj.Status = status
	if err := p.Servers.Status().Update(ctx, obj); err != nil {
		return errors.Join(cause, err)
	}
	p.writes.put(p.key, obj.ResourceVersion)
	p.statusEvents(p.stored.Status, status)
	return cause
}

func (p *pass) setCondition(status *dittofsv1alpha1.DittoServerStatus, kind string, v verdict) {
	meta.SetStatusCondition(&status.Conditions, metav1.Condition{
		Type: kind, Status: v.status, Reason: v.reason, Message: v.message,
		ObservedGeneration: p.stored.Generation, LastTransitionTime: metav1.NewTime(p.now),
	})
}
