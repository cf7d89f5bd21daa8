// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"path"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"
)

var (
	volumeSources = []string{"configMap", "secret", "projected", "downwardAPI", "emptyDir", "persistentVolumeClaim", "ephemeral", "csi", "image"}
	// Tokens and certificates of the pod's ServiceAccount are not for extra
	// volumes: no review of Secrets covers them.
	projectedSources = []string{"secret", "configMap", "downwardAPI"}

	reservedVolumes = []string{
		"config", "tmp", "metadata", "content", "controlplane", "cache", "tls-cert", "tls-client-ca", "metrics-token",
		"kerberos-keytab", "kerberos-krb5", "kerberos-machine-keytab", "postgres-ca",
	}
	reservedPaths = []string{
		"/app", "/config", "/data", "/tls", "/tls-client-ca", "/metrics-token",
		"/kerberos", "/kerberos-krb5", "/kerberos-machine", "/postgres-ca", "/tmp",
	}
	mountPropagations = []corev1.MountPropagationMode{corev1.MountPropagationNone, corev1.MountPropagationHostToContainer}
)

func validateVolumes(volumes []corev1.Volume, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i := range volumes {
		volume, at := &volumes[i], path.Index(i)
		for _, message := range utilvalidation.IsDNS1123Label(volume.Name) {
			errs = append(errs, field.Invalid(at.Child("name"), volume.Name, message))
		}
		if slices.Contains(reservedVolumes, volume.Name) {
			errs = append(errs, field.Invalid(at.Child("name"), volume.Name, "is the name of a volume that the server has itself; use another one"))
		}
		errs = append(errs, validateUnion(reflect.ValueOf(volume.VolumeSource), volumeSources, at)...)
		errs = append(errs, validateVolumeSource(&volume.VolumeSource, at)...)
	}
	return errs
}

// validateVolumeSource checks the names that a pod cannot do without.
func validateVolumeSource(source *corev1.VolumeSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if source.ConfigMap != nil {
		errs = append(errs, validateRequiredName(source.ConfigMap.Name, path.Child("configMap", "name"))...)
	}
	if source.Secret != nil {
		errs = append(errs, validateRequiredName(source.Secret.SecretName, path.Child("secret", "secretName"))...)
	}
	if source.PersistentVolumeClaim != nil {
		name, at := source.PersistentVolumeClaim.ClaimName, path.Child("persistentVolumeClaim", "claimName")
		errs = append(errs, validateRequiredName(name, at)...)
		errs = append(errs, validateForeignClaim(name, at)...)
	}
	if source.CSI != nil {
		errs = append(errs, validateRequiredName(source.CSI.Driver, path.Child("csi", "driver"))...)
	}
	if source.Ephemeral != nil {
		errs = append(errs, validateClaimTemplate(source.Ephemeral.VolumeClaimTemplate, path.Child("ephemeral", "volumeClaimTemplate"))...)
	}
	if source.Image != nil {
		errs = append(errs, validateImage(source.Image.Reference, path.Child("image", "reference"))...)
	}
	if source.Projected == nil {
		return errs
	}
	for i := range source.Projected.Sources {
		projection, at := &source.Projected.Sources[i], path.Child("projected", "sources").Index(i)
		errs = append(errs, validateUnion(reflect.ValueOf(*projection), projectedSources, at)...)
		if projection.Secret != nil {
			errs = append(errs, validateRequiredName(projection.Secret.Name, at.Child("secret", "name"))...)
		}
		if projection.ConfigMap != nil {
			errs = append(errs, validateRequiredName(projection.ConfigMap.Name, at.Child("configMap", "name"))...)
		}
	}
	return errs
}

func validateMounts(mounts []corev1.VolumeMount, volumes []corev1.Volume, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i := range mounts {
		mount, at := &mounts[i], path.Index(i)
		if !slices.ContainsFunc(volumes, func(volume corev1.Volume) bool { return volume.Name == mount.Name }) {
			errs = append(errs, field.Invalid(at.Child("name"), mount.Name, "must be the name of one of extraVolumes"))
		}
		errs = append(errs, validateMountPath(mount.MountPath, at.Child("mountPath"))...)
		errs = append(errs, validateSubPath(mount.SubPath, at.Child("subPath"))...)
		errs = append(errs, validateSubPath(mount.SubPathExpr, at.Child("subPathExpr"))...)
		if mount.SubPath != "" && mount.SubPathExpr != "" {
			errs = append(errs, field.Forbidden(at.Child("subPathExpr"), "a mount has a subPath or a subPathExpr, not both"))
		}
		if mode := ptr.Deref(mount.MountPropagation, corev1.MountPropagationNone); !slices.Contains(mountPropagations, mode) {
			errs = append(errs, field.NotSupported(at.Child("mountPropagation"), mode, mountPropagations))
		}
	}
	return errs
}

func validateMountPath(mountPath string, fieldPath *field.Path) field.ErrorList {
	if !path.IsAbs(mountPath) || path.Clean(mountPath) != mountPath {
		return field.ErrorList{field.Invalid(fieldPath, mountPath, "must be an absolute path without '..', '//' and a slash at its end, for example /etc/directory-ca")}
	}
	for _, reserved := range reservedPaths {
		if mountPath == reserved || below(mountPath, reserved) || below(reserved, mountPath) {
			return field.ErrorList{field.Invalid(fieldPath, mountPath,
				"is in the way of "+reserved+", which dfs uses itself; choose a path apart from "+strings.Join(reservedPaths, ", "))}
		}
	}
	return nil
}

// below is about clean absolute paths, whole segments only.
func below(file, directory string) bool {
	return file != directory && strings.HasPrefix(file, strings.TrimSuffix(directory, "/")+"/")
}

func validateSubPath(subPath string, fieldPath *field.Path) field.ErrorList {
	if !path.IsAbs(subPath) && !slices.Contains(strings.Split(subPath, "/"), "..") {
		return nil
	}
	return field.ErrorList{field.Invalid(fieldPath, subPath, "must be a relative path without '..'")}
}
