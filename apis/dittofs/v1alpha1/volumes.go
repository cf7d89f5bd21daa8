// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "k8s.io/apimachinery/pkg/api/resource"

// Names of the volumes that hold the data of a DittoServer: of the claim templates and, as the first part, of the claims.
const (
	VolumeMetadata     = "metadata"
	VolumeContent      = "content"
	VolumeControlPlane = "controlplane"
	VolumeCache        = "cache"
)

// VolumeNames are all of them, in the order in which the claim templates have always been.
func VolumeNames() []string {
	return []string{VolumeMetadata, VolumeContent, VolumeControlPlane, VolumeCache}
}

// VolumeSize is the size that a spec gives to a volume and the name of the field in spec.storage; nil if the spec has no
// such volume. Whether the storage is ephemeral makes no difference to it.
func (s *StorageSpec) VolumeSize(volume string) (size *resource.Quantity, field string) {
	switch volume {
	case VolumeMetadata:
		return s.MetadataSize, "metadataSize"
	case VolumeContent:
		return s.ContentSize, "contentSize"
	case VolumeControlPlane:
		return s.ControlPlaneSize, "controlPlaneSize"
	case VolumeCache:
		return s.CacheSize, "cacheSize"
	}
	return nil, ""
}

// ClaimName is the name of the claim of a volume, as the StatefulSet controller makes it up for the only pod.
func ClaimName(volume, server string) string { return volume + "-" + server + "-0" }

// ClaimNames are the names of the claims that a spec asks for: none if its storage is ephemeral.
func (s *DittoServer) ClaimNames() []string {
	if s.Spec.Storage.Ephemeral {
		return nil
	}
	var names []string
	for _, volume := range VolumeNames() {
		if size, _ := s.Spec.Storage.VolumeSize(volume); size != nil {
			names = append(names, ClaimName(volume, s.Name))
		}
	}
	return names
}
