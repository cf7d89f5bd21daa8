// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +genclient
// +genclient:method=GetScale,verb=get,subresource=scale,result=k8s.io/api/autoscaling/v1.Scale
// +genclient:method=UpdateScale,verb=update,subresource=scale,input=k8s.io/api/autoscaling/v1.Scale,result=k8s.io/api/autoscaling/v1.Scale
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +k8s:supportsSubresource="/status"
// +k8s:supportsSubresource="/scale"

// DittoServer is one DittoFS file server (the process dfs) with its volumes,
// its configuration and the Services that reach it. It describes infrastructure
// only: shares, stores, users and protocol adapters live in the server itself
// and are managed through its REST API.
type DittoServer struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`

	// Standard object's metadata. The name is at most 47 characters long,
	// because names of Services and Pods are derived from it.
	// More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata
	// +optional
	// +k8s:opaqueType
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what you want to run.
	// +required
	Spec DittoServerSpec `json:"spec"`

	// status is what runs, as last seen by the controller. It cannot be written
	// by a create, update or apply of the object itself.
	// +optional
	Status DittoServerStatus `json:"status,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// DittoServerList is a list of DittoServers.
type DittoServerList struct {
	// +k8s:opaqueType
	metav1.TypeMeta `json:",inline"`

	// Standard list metadata.
	// +optional
	// +k8s:opaqueType
	metav1.ListMeta `json:"metadata,omitempty"`

	// items is the list of DittoServers.
	Items []DittoServer `json:"items"`
}

// DittoServerSpec is the wanted state of a DittoServer.
type DittoServerSpec struct {
	// image is the container image of dfs, DittoFS v0.17 or later (older ones
	// listen on other keys of the configuration). Pin a version or a digest: a
	// moving tag such as latest changes the server at the next restart of its pod.
	// Example: marmos91c/dittofs:v0.29.0.
	// +optional
	// +default="marmos91c/dittofs:v0.29.0"
	// +k8s:optional
	// +k8s:maxLength=1024
	Image string `json:"image,omitempty"`

	// replicas is 1 for a running server and 0 for a stopped one. More than one
	// is refused: two dfs processes on the same volumes destroy data.
	// Default 1. kubectl scale changes it.
	// +optional
	// +default=1
	// +k8s:optional
	// +k8s:minimum=0
	// +k8s:maximum=1
	Replicas *int32 `json:"replicas,omitempty"`

	// storage sizes the volumes of the server.
	// +required
	Storage StorageSpec `json:"storage"`

	// database is where dfs keeps its own records: users, shares, stores and
	// adapters. File data is not in it.
	// +optional
	Database DatabaseSpec `json:"database,omitempty"`

	// controlPlane is the REST API of dfs.
	// +optional
	ControlPlane ControlPlaneSpec `json:"controlPlane,omitempty"`

	// identity is how dfs authenticates callers of its REST API.
	// +optional
	Identity IdentitySpec `json:"identity,omitempty"`

	// service is the Service NAME-api in front of the REST API.
	// +optional
	Service ServiceSpec `json:"service,omitempty"`

	// resources are the compute resources of the dfs container. dfs sizes its
	// caches by the memory limit (12.5 % for each share, up to 22.5 % for each
	// metadata store): a limit under 1Gi is for trials only.
	// Example: {requests: {cpu: "1", memory: 2Gi}, limits: {memory: 4Gi}}.
	// Default: none.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// logging is what dfs writes to its log.
	// +optional
	Logging LoggingSpec `json:"logging,omitempty"`
}

// DittoServerPhase is a one-word summary of the status. Programs should read
// the conditions.
// +enum
// +k8s:enum
type DittoServerPhase string

const (
	// PhasePending means that the server is wanted and not all of it works yet.
	PhasePending DittoServerPhase = "Pending"
	// PhaseRunning means that the server runs and is Ready.
	PhaseRunning DittoServerPhase = "Running"
	// PhaseStopped means that replicas is 0 and no pod is left.
	PhaseStopped DittoServerPhase = "Stopped"
	// PhaseFailed means that something needs a person; the Ready condition says what.
	PhaseFailed DittoServerPhase = "Failed"
	// PhaseDeleting means that the object is deleted and its parts are being removed.
	PhaseDeleting DittoServerPhase = "Deleting"
)

// DittoServerStatus is the state of a DittoServer as last seen.
type DittoServerStatus struct {
	// observedGeneration is the metadata.generation that this status describes.
	// +optional
	// +k8s:optional
	// +k8s:minimum=0
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// replicas is the number of pods that exist, 0 or 1 (2 for a moment while
	// one is replaced).
	// +optional
	// +k8s:optional
	// +k8s:minimum=0
	Replicas int32 `json:"replicas,omitempty"`

	// readyReplicas is the number of pods that pass their readiness probe.
	// +optional
	// +k8s:optional
	// +k8s:minimum=0
	ReadyReplicas int32 `json:"readyReplicas,omitempty"`

	// selector is the label selector of the pods in its text form, as the scale
	// subresource shows it. Example: app=dittofs-server,instance=files.
	// +optional
	// +k8s:optional
	Selector string `json:"selector,omitempty"`

	// phase sums the status up in one word: Pending, Running, Stopped, Failed or Deleting.
	// +optional
	// +k8s:optional
	Phase DittoServerPhase `json:"phase,omitempty"`

	// configHash is the value of the annotation dittofs.io/config-hash on the
	// pod template: it changes when, and only when, something changes that dfs
	// reads at its start.
	// +optional
	// +k8s:optional
	ConfigHash string `json:"configHash,omitempty"`

	// conditions are the parts of the status, one for each type: Ready,
	// Progressing, ConfigReady, DatabaseReady, Available, Authenticated and
	// AdaptersReady. Reasons are stable words, messages say what to do.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	// +k8s:optional
	// +k8s:listType=map
	// +k8s:listMapKey=type
	// +k8s:eachVal=+k8s:opaqueType
	Conditions []metav1.Condition `json:"conditions,omitempty" patchStrategy:"merge" patchMergeKey:"type"`
}
