// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// SnapshotPolicy makes dfs take snapshots of one share by itself.
type SnapshotPolicy struct {
	// share is the name of the share, with or without its leading slash. It may
	// be made later: the policy is applied once it is there. Example: /projects.
	// +required
	// +k8s:required
	// +k8s:maxLength=255
	Share string `json:"share"`

	// interval between two snapshots: a Go duration of at least 1m, or @hourly,
	// @daily or @weekly. Example: 24h.
	// +required
	// +k8s:required
	Interval string `json:"interval"`

	// keepLast is how many scheduled snapshots are kept; 0 keeps all. Default 0.
	// +optional
	// +k8s:optional
	// +k8s:minimum=0
	KeepLast *int32 `json:"keepLast,omitempty"`

	// ttl is how long a scheduled snapshot is kept, a Go duration. Default: for ever.
	// +optional
	// +k8s:optional
	TTL string `json:"ttl,omitempty"`

	// enabled takes snapshots. Default true.
	// +optional
	// +default=true
	// +k8s:optional
	Enabled *bool `json:"enabled,omitempty"`

	// namePrefix starts the names of the snapshots: up to 64 letters, digits,
	// '_' and '-'. Default scheduled, by dfs.
	// +optional
	// +k8s:optional
	NamePrefix string `json:"namePrefix,omitempty"`
}
