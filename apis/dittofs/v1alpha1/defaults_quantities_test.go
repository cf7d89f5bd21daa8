// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"
)

func TestAQuantityIsNeverGreaterThanItsTypePromises(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"10Gi", "10Gi"},
		{"0", "0"},
		{"-5", "-5"},
		{"1500m", "1500m"},
		{"9223372036854775807", "9223372036854775807"},
		{"5E", "5E"},
		{"1e18", "1e18"},
		{"1e19", "9223372036854775807"},
		{"1e999999999", "9223372036854775807"},
		{"-1e999999999", "-9223372036854775807"},
	} {
		t.Run(c.given, func(t *testing.T) {
			given := resource.MustParse(c.given)
			list := func() corev1.ResourceList { return corev1.ResourceList{corev1.ResourceMemory: given.DeepCopy()} }
			size := func() *resource.Quantity { return ptr.To(given.DeepCopy()) }
			requirements := func() *corev1.ResourceRequirements {
				return &corev1.ResourceRequirements{Limits: list(), Requests: list()}
			}
			items := func() []corev1.DownwardAPIVolumeFile {
				return []corev1.DownwardAPIVolumeFile{{ResourceFieldRef: &corev1.ResourceFieldSelector{Divisor: *size()}}}
			}
			claim := &corev1.PersistentVolumeClaimTemplate{}
			claim.Spec.Resources.Requests = list()
			spec := &DittoServerSpec{
				Storage:   StorageSpec{MetadataSize: size(), ContentSize: size(), ControlPlaneSize: size(), CacheSize: size()},
				Resources: requirements(),
				Percona:   &PerconaSpec{StorageSize: size(), Resources: requirements()},
				ExtraEnv:  []corev1.EnvVar{{ValueFrom: &corev1.EnvVarSource{ResourceFieldRef: &corev1.ResourceFieldSelector{Divisor: *size()}}}},
				ExtraVolumes: []corev1.Volume{
					{VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: size()}}},
					// Two sources are refused, after they have been looked at.
					{VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}, Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: claim}}},
					{VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: items()}}},
					{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
						{DownwardAPI: &corev1.DownwardAPIProjection{Items: items()}},
					}}}},
				},
			}
			capQuantities(spec)
			memory := corev1.ResourceMemory
			for where, q := range map[string]resource.Quantity{
				"metadataSize": *spec.Storage.MetadataSize, "contentSize": *spec.Storage.ContentSize,
				"controlPlaneSize": *spec.Storage.ControlPlaneSize, "cacheSize": *spec.Storage.CacheSize,
				"limits": spec.Resources.Limits[memory], "requests": spec.Resources.Requests[memory],
				"percona.storageSize": *spec.Percona.StorageSize, "percona.limits": spec.Percona.Resources.Limits[memory],
				"emptyDir": *spec.ExtraVolumes[0].EmptyDir.SizeLimit, "ephemeral": claim.Spec.Resources.Requests[memory],
				"env":       spec.ExtraEnv[0].ValueFrom.ResourceFieldRef.Divisor,
				"downward":  spec.ExtraVolumes[2].DownwardAPI.Items[0].ResourceFieldRef.Divisor,
				"projected": spec.ExtraVolumes[3].Projected.Sources[0].DownwardAPI.Items[0].ResourceFieldRef.Divisor,
			} {
				if q.String() != c.want {
					t.Errorf("%s is %s, want %s", where, q.String(), c.want)
				}
			}
		})
	}
}
