// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package quota

import (
	"k8s.io/apimachinery/pkg/api/resource"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Storage is the sum of the claims that come of a spec: the volumes of the server, and those of the PostgreSQL cluster that
// is made for it. Ephemeral storage makes no claim. A cluster of others is theirs. A stopped server keeps its claims, and so
// what it uses.
func Storage(server *dittofsv1alpha1.DittoServer) resource.Quantity {
	sum := resource.Quantity{Format: resource.BinarySI}
	add := func(size *resource.Quantity, times int32) {
		if size == nil {
			return
		}
		for range times {
			sum.Add(*size)
		}
	}
	if storage := server.Spec.Storage; !storage.Ephemeral {
		add(storage.MetadataSize, 1)
		add(storage.ContentSize, 1)
		add(storage.ControlPlaneSize, 1)
		add(storage.CacheSize, 1)
	}
	if percona := server.Spec.Percona; percona != nil && percona.Enabled && percona.ExistingClusterRef == nil {
		instances := int32(1)
		if percona.Replicas != nil {
			instances = *percona.Replicas
		}
		add(percona.StorageSize, instances)
	}
	return sum
}
