// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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

	// availableReplicas is the number of pods that are ready, 0 or 1.
	// +optional
	// +k8s:optional
	// +k8s:minimum=0
	AvailableReplicas int32 `json:"availableReplicas,omitempty"`

	// version of DittoFS that the pod runs, by the tag of its image; empty while
	// no pod runs, or if the tag is no version. Example: v0.29.0.
	// +optional
	// +k8s:optional
	Version string `json:"version,omitempty"`

	// endpoints are the addresses at which the server is reached.
	// +optional
	Endpoints EndpointsStatus `json:"endpoints,omitempty,omitzero"`

	// adapters are the protocol adapters that the server has, as last seen.
	// +optional
	// +patchMergeKey=type
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=type
	// +k8s:optional
	// +k8s:listType=map
	// +k8s:listMapKey=type
	Adapters []AdapterStatus `json:"adapters,omitempty" patchStrategy:"merge" patchMergeKey:"type"`

	// volumes are the claims of the server.
	// +optional
	// +patchMergeKey=name
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=name
	// +k8s:optional
	// +k8s:listType=map
	// +k8s:listMapKey=name
	Volumes []VolumeStatus `json:"volumes,omitempty" patchStrategy:"merge" patchMergeKey:"name"`

	// database is the database that dfs uses.
	// +optional
	// +k8s:optional
	Database *DatabaseStatus `json:"database,omitempty"`

	// perconaClusterName is the PerconaPGCluster that holds the database.
	// +optional
	// +k8s:optional
	PerconaClusterName string `json:"perconaClusterName,omitempty"`

	// machineSID is the identity that the server made for itself at its first
	// start and keeps in its database. Another one means another database.
	// +optional
	// +k8s:optional
	MachineSID string `json:"machineSID,omitempty"`

	// snapshotPolicies are the results of spec.snapshotPolicies.
	// +optional
	// +patchMergeKey=share
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=share
	// +k8s:optional
	// +k8s:listType=map
	// +k8s:listMapKey=share
	SnapshotPolicies []SnapshotPolicyStatus `json:"snapshotPolicies,omitempty" patchStrategy:"merge" patchMergeKey:"share"`

	// objects are those that the controller made for this server.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	Objects []ObjectReference `json:"objects,omitempty"`

	// conditions are the parts of the status, one for each type: Ready,
	// Progressing, Degraded, ConfigReady, StorageReady, DatabaseReady, Available,
	// Authenticated and AdaptersReady. Reasons are stable words, messages say
	// what to do.
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

// EndpointsStatus are the addresses at which a server is reached.
type EndpointsStatus struct {
	// api is the address of the REST API within the cluster.
	// Example: https://files-api.team-a.svc:8080.
	// +optional
	// +k8s:optional
	API string `json:"api,omitempty"`

	// externalAPI is the address of the REST API from outside: that of the
	// Ingress, else of the load balancer.
	// +optional
	// +k8s:optional
	ExternalAPI string `json:"externalAPI,omitempty"`
}

// AdapterStatus is a protocol adapter of a server.
type AdapterStatus struct {
	// type of the adapter: nfs or smb.
	Type string `json:"type"`

	// enabled tells whether the adapter is switched on in the dfs API.
	// +optional
	// +k8s:optional
	Enabled bool `json:"enabled,omitempty"`

	// running tells whether the adapter listens and is healthy.
	// +optional
	// +k8s:optional
	Running bool `json:"running,omitempty"`

	// port that the adapter listens on in the pod.
	// +optional
	// +k8s:optional
	Port int32 `json:"port,omitempty"`

	// address at which clients reach it, as HOST:PORT: of the load balancer, or
	// of the Service within the cluster.
	// +optional
	// +k8s:optional
	Address string `json:"address,omitempty"`

	// mountHint is how a client mounts a share; put the name of the share in
	// place of SHARE.
	// +optional
	// +k8s:optional
	MountHint string `json:"mountHint,omitempty"`

	// message is why the adapter does not serve, in the words of dfs or of the
	// cluster; empty if it does.
	// +optional
	// +k8s:optional
	Message string `json:"message,omitempty"`
}

// VolumeStatus is one claim of a server.
type VolumeStatus struct {
	// name of the volume: metadata, content, controlplane or cache.
	Name string `json:"name"`

	// claimName is the name of the PersistentVolumeClaim.
	// +optional
	// +k8s:optional
	ClaimName string `json:"claimName,omitempty"`

	// claimUID is the UID of the claim that the server was set up with. Another
	// one means an empty volume.
	// +optional
	// +k8s:optional
	ClaimUID string `json:"claimUID,omitempty"`

	// requested size of the claim.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	Requested *resource.Quantity `json:"requested,omitempty"`

	// capacity that the volume really has.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	Capacity *resource.Quantity `json:"capacity,omitempty"`

	// phase of the claim: Pending, Bound or Lost.
	// +optional
	// +k8s:optional
	Phase string `json:"phase,omitempty"`

	// message is what the volume waits for or why it does not grow; empty if it
	// is as it should be.
	// +optional
	// +k8s:optional
	Message string `json:"message,omitempty"`
}

// DatabaseStatus is the database that dfs uses.
type DatabaseStatus struct {
	// kind is sqlite, postgres or percona.
	// +optional
	// +k8s:optional
	Kind string `json:"kind,omitempty"`

	// cluster is the PerconaPGCluster, for kind percona.
	// +optional
	// +k8s:optional
	Cluster string `json:"cluster,omitempty"`

	// ready tells whether dfs reaches it.
	// +optional
	// +k8s:optional
	Ready bool `json:"ready,omitempty"`

	// identity names the database without secrets: the path of the file, or
	// USER@HOST:PORT/DATABASE. A server does not move to another one by accident.
	// +optional
	// +k8s:optional
	Identity string `json:"identity,omitempty"`
}

// SnapshotPolicyStatus is the result of one snapshot policy.
type SnapshotPolicyStatus struct {
	// share of the policy, as in the spec.
	Share string `json:"share"`

	// applied tells whether dfs has the policy as it is in the spec.
	// +optional
	// +k8s:optional
	Applied bool `json:"applied,omitempty"`

	// reason is a stable word if it is not applied: ShareNotFound, Refused or Unreachable.
	// +optional
	// +k8s:optional
	Reason string `json:"reason,omitempty"`

	// message is what dfs said.
	// +optional
	// +k8s:optional
	Message string `json:"message,omitempty"`

	// lastRunTime is when dfs last took a snapshot by the policy.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	LastRunTime *metav1.Time `json:"lastRunTime,omitempty"`
}

// ObjectReference names an object in the namespace of the DittoServer.
type ObjectReference struct {
	// apiVersion of the object. Example: apps/v1.
	APIVersion string `json:"apiVersion"`

	// kind of the object. Example: StatefulSet.
	Kind string `json:"kind"`

	// name of the object.
	Name string `json:"name"`
}
