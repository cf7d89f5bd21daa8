// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// largestScale is that of the largest quantity, 2^63-1, in decimal digits.
const largestScale = 18

// capQuantities keeps the promise of the type Quantity that nothing is greater
// than 2^63-1. Its parser does not: 1e999999999 is kept as it is, and the first
// comparison with it writes out a billion digits.
func capQuantities(spec *DittoServerSpec) {
	for _, size := range []*resource.Quantity{
		spec.Storage.MetadataSize, spec.Storage.ContentSize, spec.Storage.ControlPlaneSize, spec.Storage.CacheSize,
	} {
		capQuantity(size)
	}
	capRequirements(spec.Resources)
	if percona := spec.Percona; percona != nil {
		capQuantity(percona.StorageSize)
		capRequirements(percona.Resources)
		if percona.PgBouncer != nil {
			capRequirements(percona.PgBouncer.Resources)
		}
	}
	for i := range spec.ExtraEnv {
		if from := spec.ExtraEnv[i].ValueFrom; from != nil {
			capDivisor(from.ResourceFieldRef)
		}
	}
	for i := range spec.ExtraVolumes {
		capVolume(&spec.ExtraVolumes[i])
	}
}

// capVolume looks at every source: that there is one only is checked later.
func capVolume(volume *corev1.Volume) {
	if volume.EmptyDir != nil {
		capQuantity(volume.EmptyDir.SizeLimit)
	}
	if volume.Ephemeral != nil && volume.Ephemeral.VolumeClaimTemplate != nil {
		requirements := volume.Ephemeral.VolumeClaimTemplate.Spec.Resources
		capList(requirements.Limits)
		capList(requirements.Requests)
	}
	if volume.DownwardAPI != nil {
		capItems(volume.DownwardAPI.Items)
	}
	if volume.Projected != nil {
		for _, source := range volume.Projected.Sources {
			if source.DownwardAPI != nil {
				capItems(source.DownwardAPI.Items)
			}
		}
	}
}

func capItems(items []corev1.DownwardAPIVolumeFile) {
	for _, item := range items {
		capDivisor(item.ResourceFieldRef)
	}
}

func capDivisor(selector *corev1.ResourceFieldSelector) {
	if selector != nil {
		capQuantity(&selector.Divisor)
	}
}

func capRequirements(requirements *corev1.ResourceRequirements) {
	if requirements != nil {
		capList(requirements.Limits)
		capList(requirements.Requests)
	}
}

func capList(list corev1.ResourceList) {
	for name, quantity := range list {
		if capQuantity(&quantity) {
			list[name] = quantity
		}
	}
}

func capQuantity(q *resource.Quantity) (capped bool) {
	if q == nil {
		return false
	}
	if _, ok := q.AsInt64(); ok {
		return false
	}
	exact := q.DeepCopy() // AsDec changes how the quantity is kept
	if -int64(exact.AsDec().Scale()) <= largestScale {
		return false
	}
	largest := int64(math.MaxInt64) * int64(q.Sign())
	*q = *resource.NewQuantity(largest, resource.DecimalSI)
	return true
}
