// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "k8s.io/apimachinery/pkg/api/resource"

// StorageSpec sizes the persistent volumes of a server. Each becomes a claim
// (ReadWriteOnce) that outlives the server: deleting a DittoServer keeps them.
type StorageSpec struct {
	// metadataSize is the size of the volume at /data/store/metadata, for
	// metadata stores. It may grow, never shrink. Example: 10Gi.
	// +required
	// +k8s:required
	// +k8s:opaqueType
	MetadataSize *resource.Quantity `json:"metadataSize"`

	// contentSize is the size of the volume at /data/store/block, for local
	// block stores; leave it out if file content goes to remote stores only. It
	// may grow, never shrink, and is not added or removed later. Example: 100Gi.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	ContentSize *resource.Quantity `json:"contentSize,omitempty"`

	// controlPlaneSize is the size of the volume at /data/controlplane, for the
	// SQLite database. It may grow, never shrink. Default 1Gi.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	ControlPlaneSize *resource.Quantity `json:"controlPlaneSize,omitempty"`

	// storageClassName is the StorageClass of all volumes. Left out, the
	// cluster's default class is used. It cannot be changed later.
	// Example: fast-ssd.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`
}
