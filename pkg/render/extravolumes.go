// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
)

// extraVolumes writes out what the API server adds to the volumes of the user. In lists without keys it would differ from
// what was sent. Elsewhere it would be nobody's, and stay behind when another source takes the place of this one: a volume
// with two is refused.
func extraVolumes(extra []corev1.Volume) ([]*corev1ac.VolumeApplyConfiguration, error) {
	list := make([]corev1.Volume, 0, len(extra))
	for i := range extra {
		volume := *extra[i].DeepCopy()
		defaultVolume(&volume.VolumeSource)
		list = append(list, volume)
	}
	volumes, err := convertedList[corev1ac.VolumeApplyConfiguration](list)
	if err != nil {
		return nil, fmt.Errorf("spec.extraVolumes: %w", err)
	}
	return volumes, nil
}

// defaultVolume has the defaults of the API server for the sources that a spec may have. That of an image is left to it: it
// depends on the tag.
func defaultVolume(source *corev1.VolumeSource) {
	if source.ConfigMap != nil {
		defaultTo(&source.ConfigMap.DefaultMode, corev1.ConfigMapVolumeSourceDefaultMode)
	}
	if source.Secret != nil {
		defaultTo(&source.Secret.DefaultMode, corev1.SecretVolumeSourceDefaultMode)
	}
	if source.DownwardAPI != nil {
		defaultTo(&source.DownwardAPI.DefaultMode, corev1.DownwardAPIVolumeSourceDefaultMode)
		defaultItems(source.DownwardAPI.Items)
	}
	if source.Projected != nil {
		defaultTo(&source.Projected.DefaultMode, corev1.ProjectedVolumeSourceDefaultMode)
		for _, projection := range source.Projected.Sources {
			if projection.DownwardAPI != nil {
				defaultItems(projection.DownwardAPI.Items)
			}
		}
	}
	if source.Ephemeral != nil && source.Ephemeral.VolumeClaimTemplate != nil {
		claim := &source.Ephemeral.VolumeClaimTemplate.Spec
		defaultTo(&claim.VolumeMode, corev1.PersistentVolumeFilesystem)
		claim.Resources.Limits, claim.Resources.Requests = storedQuantities(claim.Resources.Limits), storedQuantities(claim.Resources.Requests)
	}
}

func defaultTo[T any](field **T, value T) {
	if *field == nil {
		*field = &value
	}
}

func defaultItems(items []corev1.DownwardAPIVolumeFile) {
	for i := range items {
		defaultFieldRef(items[i].FieldRef)
	}
}
