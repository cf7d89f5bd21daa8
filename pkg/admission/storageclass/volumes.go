// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package storageclass

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// volume is one that the spec asks for.
type volume struct {
	sizePath, classPath *field.Path
	size                resource.Quantity
	// was is the size before; set for a volume that grows.
	was resource.Quantity
	// class is nil for the default of the cluster.
	class *string
	// claim is its name, empty if it cannot be told: the Percona operator makes
	// up names for those of PostgreSQL.
	claim string
	// perPod is the name of one that comes and goes with the pod.
	perPod string
}

// same is about volumes that come and go with the pod.
func (v volume) same(other volume) bool {
	return v.perPod == other.perPod && ptr.Equal(v.class, other.class)
}

// changes sorts the volumes of the spec: those that it did not have before, and
// those that grow.
func changes(server, old *dittofsv1alpha1.DittoServer) (added, grown []volume) {
	var before []volume
	if old != nil {
		before = volumesOf(old)
	}
	for _, wanted := range volumesOf(server) {
		i := slices.IndexFunc(before, func(b volume) bool { return b.sizePath.String() == wanted.sizePath.String() })
		switch {
		case wanted.perPod != "":
			// Made anew with each pod, so that its size is free. Its place in the list is not what it is.
			if !slices.ContainsFunc(before, wanted.same) {
				added = append(added, wanted)
			}
		case i < 0:
			added = append(added, wanted)
		case wanted.size.Cmp(before[i].size) > 0:
			wanted.was = before[i].size
			grown = append(grown, wanted)
		}
	}
	return added, grown
}

func volumesOf(server *dittofsv1alpha1.DittoServer) []volume {
	var volumes []volume
	if storage := &server.Spec.Storage; !storage.Ephemeral {
		path := field.NewPath("spec", "storage")
		for _, name := range dittofsv1alpha1.VolumeNames() {
			if size, field := storage.VolumeSize(name); size != nil {
				volumes = append(volumes, volume{
					sizePath: path.Child(field), classPath: path.Child("storageClassName"),
					size: *size, class: storage.StorageClassName, claim: dittofsv1alpha1.ClaimName(name, server.Name),
				})
			}
		}
	}
	volumes = append(volumes, perPodVolumes(server.Spec.ExtraVolumes)...)
	percona := server.Spec.Percona
	if percona == nil || !percona.Enabled || percona.ExistingClusterRef != nil || percona.StorageSize == nil {
		return volumes
	}
	path := field.NewPath("spec", "percona")
	return append(volumes, volume{
		sizePath: path.Child("storageSize"), classPath: path.Child("storageClassName"),
		size: *percona.StorageSize, class: percona.StorageClassName,
	})
}

func perPodVolumes(extra []corev1.Volume) []volume {
	var volumes []volume
	for i := range extra {
		if ephemeral := extra[i].Ephemeral; ephemeral != nil && ephemeral.VolumeClaimTemplate != nil {
			path := field.NewPath("spec", "extraVolumes").Index(i).Child("ephemeral", "volumeClaimTemplate", "spec")
			volumes = append(volumes, volume{
				sizePath: path.Child("resources"), classPath: path.Child("storageClassName"),
				class: ephemeral.VolumeClaimTemplate.Spec.StorageClassName, perPod: extra[i].Name,
			})
		}
	}
	return volumes
}
