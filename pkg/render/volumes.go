// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// podVolumes are the volumes of the pod that are no claim templates: ours, and then those of the user.
func podVolumes(server *v1alpha1.DittoServer, contentLater bool) ([]*corev1ac.VolumeApplyConfiguration, error) {
	list := []*corev1ac.VolumeApplyConfiguration{
		corev1ac.Volume().WithName(configVolume).
			WithConfigMap(corev1ac.ConfigMapVolumeSource().WithName(ConfigMapName(server.Name))),
		corev1ac.Volume().WithName(tmpVolume).
			WithEmptyDir(corev1ac.EmptyDirVolumeSource()),
	}
	switch {
	case server.Spec.Storage.Ephemeral:
		for _, c := range claims(server) {
			list = append(list, corev1ac.Volume().WithName(c.volume).
				WithEmptyDir(corev1ac.EmptyDirVolumeSource().WithSizeLimit(c.size)))
		}
	case contentLater:
		list = append(list, corev1ac.Volume().WithName(ContentVolume).
			WithPersistentVolumeClaim(corev1ac.PersistentVolumeClaimVolumeSource().
				WithClaimName(ClaimName(ContentVolume, server.Name))))
	}
	for _, s := range secretVolumes(server) {
		list = append(list, s.volumeSource())
	}
	extra, err := extraVolumes(server.Spec.ExtraVolumes)
	if err != nil {
		return nil, err
	}
	return append(list, extra...), nil
}

// volumeMounts mounts every claim that the pod has, also one that the spec does not ask for: a StatefulSet that was made
// with it may have data on it.
func volumeMounts(server *v1alpha1.DittoServer, volumes map[string]bool) ([]*corev1ac.VolumeMountApplyConfiguration, error) {
	var mounts []*corev1ac.VolumeMountApplyConfiguration
	for _, volume := range claimVolumes {
		if volumes[volume] {
			mounts = append(mounts, mount(volume))
		}
	}
	mounts = append(mounts, mount(configVolume).WithReadOnly(true), mount(tmpVolume))
	for _, s := range secretVolumes(server) {
		// Whole directories: the kubelet renews the content of those, and never that of a subPath.
		mounts = append(mounts, mount(s.volume).WithReadOnly(true))
	}
	extra, err := convertedList[corev1ac.VolumeMountApplyConfiguration](server.Spec.ExtraVolumeMounts)
	if err != nil {
		return nil, fmt.Errorf("spec.extraVolumeMounts: %w", err)
	}
	return append(mounts, extra...), nil
}

func mount(volume string) *corev1ac.VolumeMountApplyConfiguration {
	return corev1ac.VolumeMount().WithName(volume).WithMountPath(mountPaths[volume])
}
