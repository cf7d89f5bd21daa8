// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "k8s.io/apimachinery/pkg/api/resource"

// StorageSpec sizes the volumes of a server. Each becomes a claim
// (ReadWriteOnce) that outlives the server: deleting a DittoServer keeps its
// claims, unless deletionPolicy.volumes is Delete.
type StorageSpec struct {
	// metadataSize is the size of the volume at /data/store/metadata, for
	// metadata stores. It may grow, never shrink. Example: 10Gi.
	// +required
	// +k8s:required
	// +k8s:opaqueType
	MetadataSize *resource.Quantity `json:"metadataSize"`

	// contentSize is the size of the volume at /data/store/block, for local
	// block stores; leave it out if file content goes to remote stores only. It
	// may be added later (the pod restarts once) and grow; it never shrinks and
	// is not taken away. Example: 100Gi.
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

	// cacheSize is the size of a volume at /data/cache, with cache.path in the
	// configuration. Only DittoFS before v0.9 reads it: newer servers keep
	// their cache with the local block store. It may grow, never shrink, and is
	// neither added nor taken away later.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	CacheSize *resource.Quantity `json:"cacheSize,omitempty"`

	// storageClassName is the StorageClass of all volumes. Left out, the
	// cluster's default class is used. It cannot be changed later, and is not
	// for ephemeral storage, which has no claims.
	// Example: fast-ssd.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`

	// ephemeral puts everything on volumes that live and die with the pod
	// (emptyDir, limited to the sizes above): for trials and tests. No claim is
	// made. Every restart of the pod loses all shares, users and files. It
	// cannot be changed later. Default false.
	// +optional
	// +k8s:optional
	// +k8s:immutable
	Ephemeral bool `json:"ephemeral,omitempty"`

	// whenScaled is what happens to the claims when replicas becomes 0: Retain
	// or Delete. Delete loses all data at each stop. Default Retain.
	// +optional
	// +default="Retain"
	// +k8s:optional
	WhenScaled RetentionPolicy `json:"whenScaled,omitempty"`
}

// RetentionPolicy is what happens to data when what used it is gone.
// +enum
// +k8s:enum
type RetentionPolicy string

const (
	// RetainData keeps the data.
	RetainData RetentionPolicy = "Retain"
	// DeleteData deletes the data.
	DeleteData RetentionPolicy = "Delete"
)

// DeletionPolicy is what a delete of the DittoServer does to its data.
// kubectl delete --cascade=orphan keeps everything, whatever is set here.
type DeletionPolicy struct {
	// volumes is Retain or Delete: what happens to the claims. With Retain a
	// DittoServer of the same name, created later, has its data again.
	// Default Retain.
	// +optional
	// +default="Retain"
	// +k8s:optional
	Volumes RetentionPolicy `json:"volumes,omitempty"`

	// database is Retain or Delete: what happens to the PerconaPGCluster that
	// was made for this server. A database that was there before is never
	// deleted. Default Retain, or Delete if percona.deleteWithServer is true.
	// +optional
	// +k8s:optional
	Database RetentionPolicy `json:"database,omitempty"`
}
