// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// extraVolumes writes out what the API server adds in places that are one value to it: items and sources are lists without
// keys. Elsewhere its defaults go away with what they belong to.
func extraVolumes(extra []corev1.Volume) ([]*corev1ac.VolumeApplyConfiguration, error) {
	list := make([]corev1.Volume, 0, len(extra))
	for i := range extra {
		volume := *extra[i].DeepCopy()
		if volume.DownwardAPI != nil {
			defaultItems(volume.DownwardAPI.Items)
		}
		if volume.Projected != nil {
			for _, source := range volume.Projected.Sources {
				if source.DownwardAPI != nil {
					defaultItems(source.DownwardAPI.Items)
				}
			}
		}
		if volume.Ephemeral != nil && volume.Ephemeral.VolumeClaimTemplate != nil {
			resources := &volume.Ephemeral.VolumeClaimTemplate.Spec.Resources
			resources.Limits, resources.Requests = storedQuantities(resources.Limits), storedQuantities(resources.Requests)
		}
		list = append(list, volume)
	}
	volumes, err := convertedList[corev1ac.VolumeApplyConfiguration](list)
	if err != nil {
		return nil, fmt.Errorf("spec.extraVolumes: %w", err)
	}
	return volumes, nil
}

func defaultItems(items []corev1.DownwardAPIVolumeFile) {
	for i := range items {
		defaultFieldRef(items[i].FieldRef)
	}
}
