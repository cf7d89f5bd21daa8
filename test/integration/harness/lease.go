// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

const leaseName = "dittofs-apiserver-controllers"

// Lease is that of our controllers.
func (c *Cluster) Lease(ctx context.Context) (*coordinationv1.Lease, error) {
	return c.Admin.Kube.CoordinationV1().Leases(controlplane.DittoFSNamespace).Get(ctx, leaseName, metav1.GetOptions{})
}

// LeaseHolder is who leads. Nobody is an error.
func (c *Cluster) LeaseHolder(ctx context.Context) (string, error) {
	lease, err := c.Lease(ctx)
	if err != nil {
		return "", err
	}
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
		return "", errors.New("the lease has no holder")
	}
	return *lease.Spec.HolderIdentity, nil
}

// StealLease takes the lease for somebody who will not renew it.
func (c *Cluster) StealLease(t *testing.T, thief string) {
	t.Helper()
	_, err := c.Admin.Kube.CoordinationV1().Leases(controlplane.DittoFSNamespace).Patch(t.Context(), leaseName,
		types.MergePatchType, fmt.Appendf(nil, `{"spec":{"holderIdentity":%q}}`, thief), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// AwaitHolder waits until the lease is held by another than the given ones, and returns who that is.
func (c *Cluster) AwaitHolder(t *testing.T, others ...string) (holder string) {
	t.Helper()
	Eventually(t, "somebody else holds the lease", func(ctx context.Context) (err error) {
		if holder, err = c.LeaseHolder(ctx); err == nil && slices.Contains(others, holder) {
			err = fmt.Errorf("it is held by %s", holder)
		}
		return err
	})
	return holder
}
