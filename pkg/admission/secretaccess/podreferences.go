// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package secretaccess

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// pod collects from the fields that become parts of the pod as they are.
func (r *references) pod(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) {
	for i, ref := range spec.ImagePullSecrets {
		r.other(path.Child("imagePullSecrets").Index(i), ref.Name, "the image is pulled without it")
	}
	for i, env := range spec.ExtraEnv {
		if env.ValueFrom == nil || env.ValueFrom.SecretKeyRef == nil {
			continue
		}
		ref := env.ValueFrom.SecretKeyRef
		r.name(path.Child("extraEnv").Index(i).Child("valueFrom", "secretKeyRef"), ref.Name, ptr.Deref(ref.Optional, false))
	}
	for i := range spec.ExtraVolumes {
		r.volume(&spec.ExtraVolumes[i].VolumeSource, path.Child("extraVolumes").Index(i))
	}
}

// volume knows the types that the validation lets through, and the others too:
// one that is allowed some day must not be forgotten here.
func (r *references) volume(volume *corev1.VolumeSource, path *field.Path) {
	if secret := volume.Secret; secret != nil {
		r.name(path.Child("secret", "secretName"), secret.SecretName, ptr.Deref(secret.Optional, false))
	}
	if projected := volume.Projected; projected != nil {
		for i, source := range projected.Sources {
			if secret := source.Secret; secret != nil {
				r.name(path.Child("projected", "sources").Index(i).Child("secret"), secret.Name, ptr.Deref(secret.Optional, false))
			}
		}
	}
	local := func(ref *corev1.LocalObjectReference, names ...string) {
		if ref != nil {
			r.name(path.Child(names[0], names[1:]...), ref.Name, false)
		}
	}
	if csi := volume.CSI; csi != nil {
		local(csi.NodePublishSecretRef, "csi", "nodePublishSecretRef")
	}
	if file := volume.AzureFile; file != nil {
		r.name(path.Child("azureFile", "secretName"), file.SecretName, false)
	}
	if ceph := volume.CephFS; ceph != nil {
		local(ceph.SecretRef, "cephfs", "secretRef")
	}
	if cinder := volume.Cinder; cinder != nil {
		local(cinder.SecretRef, "cinder", "secretRef")
	}
	if flex := volume.FlexVolume; flex != nil {
		local(flex.SecretRef, "flexVolume", "secretRef")
	}
	if iscsi := volume.ISCSI; iscsi != nil {
		local(iscsi.SecretRef, "iscsi", "secretRef")
	}
	if rbd := volume.RBD; rbd != nil {
		local(rbd.SecretRef, "rbd", "secretRef")
	}
	if scaleIO := volume.ScaleIO; scaleIO != nil {
		local(scaleIO.SecretRef, "scaleIO", "secretRef")
	}
	if storageOS := volume.StorageOS; storageOS != nil {
		local(storageOS.SecretRef, "storageos", "secretRef")
	}
}
