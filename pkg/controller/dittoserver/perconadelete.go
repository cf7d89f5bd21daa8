// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/nscheck"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// perconaDataFinalizer asks the Percona operator to delete the volumes and the Secrets of the users too. Without it a deleted
// cluster leaves its data. Those for certificates and for backups are not set: the one takes a CA along that other clusters
// in the namespace may use, the other hangs on a cluster without pods.
const perconaDataFinalizer = "percona.com/delete-pvc"

// removePercona deletes the cluster that we have made, and its data, if the spec asks for that. It returns what has to be
// waited for: the Percona operator does the work.
func (p *pass) removePercona(ctx context.Context) (string, error) {
	spec := p.server.Spec.Percona
	if spec == nil || !spec.Enabled || spec.ExistingClusterRef != nil || p.server.Spec.DeletionPolicy.Database != dittofsv1alpha1.DeleteData {
		return "", nil
	}
	p.percona.cluster = render.PerconaClusterName(p.server)
	live, err := p.findPercona(ctx)
	switch {
	case notServed(err):
		return "", nil // the kind went, and took the cluster along
	case err != nil:
		return "", err
	case live == nil || !apply.Ours(live, p.server.Name, p.server.UID) || !apply.Applied(live):
		return "", nil
	}
	if live.GetDeletionTimestamp() == nil {
		if err := p.deletePercona(ctx, live); err != nil {
			return "", err
		}
	}
	if p.namespace == nscheck.Terminating {
		return "", nil // it ends with the namespace
	}
	return fmt.Sprintf("%s %s to be gone, with its data. The Percona operator has to finish that; to let this object go without it, set spec.deletionPolicy.database to Retain",
		perconaKind, live.GetName()), nil
}

// deletePercona deletes the very object that was found to be ours.
func (p *pass) deletePercona(ctx context.Context, live *unstructured.Unstructured) error {
	if finalizers := live.GetFinalizers(); !slices.Contains(finalizers, perconaDataFinalizer) {
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{
			"finalizers": append(finalizers, perconaDataFinalizer), "uid": live.GetUID(), "resourceVersion": live.GetResourceVersion(),
		}})
		if err != nil {
			return fmt.Errorf("encode the finalizers of %s %s: %w", perconaKind, live.GetName(), err)
		}
		if err := p.Host.Patch(ctx, live, client.RawPatch(types.MergePatchType, patch)); err != nil {
			return p.unlessGone(live, err)
		}
	}
	err := p.Host.Delete(ctx, live, client.Preconditions{UID: ptr.To(live.GetUID()), ResourceVersion: ptr.To(live.GetResourceVersion())},
		client.PropagationPolicy(metav1.DeletePropagationBackground))
	return p.unlessGone(live, err)
}

// unlessGone leaves an error out that the next look explains.
func (p *pass) unlessGone(live *unstructured.Unstructured, err error) error {
	switch {
	case err == nil, apierrors.IsNotFound(err):
		return nil
	case apierrors.IsConflict(err):
		p.recheck(soon)
		return nil
	}
	return p.undeletable(perconaKind, live.GetName(), err)
}
