// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package class

import (
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// volume is one that a spec asks for, count times.
type volume struct {
	sizePath, classPath *field.Path
	size                resource.Quantity
	count               int32
	// class is nil for the default of the cluster; classless volumes have none.
	class     *string
	classless bool
}

// volumesOf are all that a spec asks for, whatever they live on.
func volumesOf(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) []volume {
	var volumes []volume
	storage, storagePath := &spec.Storage, path.Child("storage")
	for _, v := range []struct {
		name string
		size *resource.Quantity
	}{
		{"metadataSize", storage.MetadataSize},
		{"contentSize", storage.ContentSize},
		{"controlPlaneSize", storage.ControlPlaneSize},
		{"cacheSize", storage.CacheSize},
	} {
		if v.size != nil {
			volumes = append(volumes, volume{
				sizePath: storagePath.Child(v.name), classPath: storagePath.Child("storageClassName"),
				size: *v.size, count: 1, class: storage.StorageClassName, classless: storage.Ephemeral,
			})
		}
	}
	for i := range spec.ExtraVolumes {
		ephemeral := spec.ExtraVolumes[i].Ephemeral
		if ephemeral == nil || ephemeral.VolumeClaimTemplate == nil {
			continue
		}
		claim, claimPath := &ephemeral.VolumeClaimTemplate.Spec, path.Child("extraVolumes").Index(i).Child("ephemeral", "volumeClaimTemplate", "spec")
		volumes = append(volumes, volume{
			sizePath: claimPath.Child("resources"), classPath: claimPath.Child("storageClassName"),
			size: claim.Resources.Requests.Storage().DeepCopy(), count: 1, class: claim.StorageClassName,
		})
	}
	if percona := spec.Percona; makesCluster(spec) && percona.StorageSize != nil {
		v := volume{
			sizePath: path.Child("percona", "storageSize"), classPath: path.Child("percona", "storageClassName"),
			size: *percona.StorageSize, count: 1, class: percona.StorageClassName,
		}
		if percona.Replicas != nil {
			v.count = *percona.Replicas
		}
		volumes = append(volumes, v)
	}
	return volumes
}

// StorageOf is the sum of the volumes that a spec asks for.
func StorageOf(spec *dittofsv1alpha1.DittoServerSpec) resource.Quantity {
	var sum resource.Quantity
	for _, v := range volumesOf(spec, field.NewPath("spec")) {
		if v.size.Sign() < 0 {
			continue // refused elsewhere; it must not make room for others
		}
		for range v.count {
			sum.Add(v.size)
		}
	}
	return sum
}

func (f *finder) sizes(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) {
	limits := &f.limits.Storage
	if limits.MaxVolumeSize != nil {
		for _, v := range volumesOf(spec, path) {
			if v.size.Cmp(*limits.MaxVolumeSize) > 0 {
				f.add(v.sizePath, v.size.String(), "allows %s for a volume", limits.MaxVolumeSize)
			}
		}
	}
	if limits.MaxServerSize == nil {
		return
	}
	if sum := StorageOf(spec); sum.Cmp(*limits.MaxServerSize) > 0 {
		f.add(path.Child("storage"), sum.String()+" in all volumes", "allows %s for all volumes of a server", limits.MaxServerSize)
	}
}

func (f *finder) storageClasses(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) {
	limit := f.limits.StorageClasses
	if limit == nil {
		return
	}
	said := map[string]bool{}
	for _, v := range volumesOf(spec, path) {
		at := v.classPath.String()
		if v.classless || said[at] {
			continue
		}
		switch {
		case v.class == nil:
			f.add(v.classPath, "left out", "wants one of %s to be named", list(limit.Allowed))
		case !matchesAny(limit.Allowed, *v.class):
			f.add(v.classPath, *v.class, "allows %s", list(limit.Allowed))
		default:
			continue
		}
		said[at] = true
	}
}
