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
// +genclient:method=CreateCredentials,verb=create,subresource=credentials,input=github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1.CredentialsRequest,result=github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1.CredentialsRequest
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
	// className is the DittoServerClass of the server, whose defaults it gets and
	// whose limits it keeps. Its author needs the verb use on the class, in the
	// namespace of the server. Left out, the default class is taken and written
	// here; an empty word means none, which needs the verb override on the default
	// class if there is one. It cannot be changed later. Example: small.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=253
	ClassName *string `json:"className,omitempty"`

	// paused stops the controller from changing anything for this server; the
	// pod goes on. Progressing says that it is paused. A delete is carried out
	// all the same. Default false.
	// +optional
	// +k8s:optional
	Paused bool `json:"paused,omitempty"`

	// rollout is Automatic or OnRequest. A restart costs NFS clients up to 90 s.
	// With OnRequest a change that needs one waits, Progressing says
	// RolloutPending, and goes on once the annotation dittofs.io/rollout: now is
	// set. Default Automatic.
	// +optional
	// +default="Automatic"
	// +k8s:optional
	Rollout RolloutPolicy `json:"rollout,omitempty"`

	// image is the container image of dfs, DittoFS v0.17 or later (older ones
	// listen on other keys of the configuration). Pin a version or a digest: a
	// moving tag such as latest changes the server at the next restart of its pod.
	// Example: marmos91c/dittofs:v0.29.0.
	// +optional
	// +default="marmos91c/dittofs:v0.29.0"
	// +k8s:optional
	// +k8s:maxLength=1024
	Image string `json:"image,omitempty"`

	// imagePullPolicy is Always, IfNotPresent or Never. Default, by Kubernetes:
	// Always for the tag latest, else IfNotPresent.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy,omitempty"`

	// imagePullSecrets name the Secrets, in the namespace of the DittoServer,
	// that the image is pulled with.
	// +optional
	// +patchMergeKey=name
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=name
	// +k8s:optional
	// +k8s:listType=map
	// +k8s:listMapKey=name
	// +k8s:maxItems=16
	// +k8s:eachVal=+k8s:opaqueType
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty" patchStrategy:"merge" patchMergeKey:"name"`

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

	// deletionPolicy is what a delete of this object does to its data.
	// +optional
	DeletionPolicy DeletionPolicy `json:"deletionPolicy,omitempty"`

	// database is where dfs keeps its own records: users, shares, stores and
	// adapters. File data is not in it.
	// +optional
	Database DatabaseSpec `json:"database,omitempty"`

	// percona puts the database into PostgreSQL run by the Percona operator.
	// +optional
	// +k8s:optional
	Percona *PerconaSpec `json:"percona,omitempty"`

	// controlPlane is the REST API of dfs.
	// +optional
	ControlPlane ControlPlaneSpec `json:"controlPlane,omitempty"`

	// identity is how dfs authenticates callers of its REST API and users of files.
	// +optional
	Identity IdentitySpec `json:"identity,omitempty"`

	// service is the Service NAME-api in front of the REST API.
	// +optional
	Service ServiceSpec `json:"service,omitempty"`

	// adapterDiscovery is how the protocol adapters are followed.
	// +optional
	AdapterDiscovery AdapterDiscoverySpec `json:"adapterDiscovery,omitempty"`

	// adapterServices are the Services of the protocol adapters NFS and SMB.
	// +optional
	AdapterServices AdapterServicesSpec `json:"adapterServices,omitempty"`

	// networkPolicy limits who reaches the pod.
	// +optional
	NetworkPolicy NetworkPolicySpec `json:"networkPolicy,omitempty"`

	// metrics is the Prometheus endpoint of dfs.
	// +optional
	// +k8s:optional
	Metrics *MetricsSpec `json:"metrics,omitempty"`

	// logging is what dfs writes to its log.
	// +optional
	Logging LoggingSpec `json:"logging,omitempty"`

	// snapshotPolicies make dfs take snapshots of shares. A policy that is taken
	// away here stays in dfs, switched off.
	// +optional
	// +patchMergeKey=share
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=share
	// +k8s:optional
	// +k8s:listType=map
	// +k8s:listMapKey=share
	// +k8s:maxItems=256
	SnapshotPolicies []SnapshotPolicy `json:"snapshotPolicies,omitempty" patchStrategy:"merge" patchMergeKey:"share"`

	// shutdownTimeout bounds each of the three stages in which dfs stops, a Go
	// duration of 1s to 10m. Default 30s.
	// +optional
	// +default="30s"
	// +k8s:optional
	ShutdownTimeout string `json:"shutdownTimeout,omitempty"`

	// terminationGracePeriodSeconds is how long the pod may take to stop, at
	// least 36. Less than three times shutdownTimeout and 15 s cuts dfs off while
	// it writes. Default: three times shutdownTimeout and 15 s.
	// +optional
	// +k8s:optional
	// +k8s:minimum=36
	// +k8s:maximum=86400
	TerminationGracePeriodSeconds *int64 `json:"terminationGracePeriodSeconds,omitempty"`

	// config is merged over the configuration file of dfs, for the keys that
	// have no field here, by their names in that file. It is replaced as a whole
	// by every kind of patch. Keys with a field of their own, keys that hold
	// secrets and paths are refused; unknown keys are passed on with a warning.
	// At most 256 KiB of JSON and 16 levels.
	// Example: {gc: {auto_interval: 30m}, blockstore: {local: {max_log_bytes: 1073741824}}}.
	// +optional
	// +mapType=atomic
	// +patchStrategy=replace
	// +k8s:optional
	// +k8s:maxProperties=64
	// +k8s:eachVal=+k8s:opaqueType
	Config map[string]Value `json:"config,omitempty" patchStrategy:"replace"`

	// resources are the compute resources of the dfs container. dfs sizes its
	// caches by the memory limit (12.5 % for each share, up to 22.5 % for each
	// metadata store): a limit under 1Gi is for trials only.
	// Example: {requests: {cpu: "1", memory: 2Gi}, limits: {memory: 4Gi}}.
	// Default: none.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// securityContext of the dfs container. What it sets wins over the defaults,
	// which meet the restricted Pod Security Standard; what the baseline standard
	// forbids is refused.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	SecurityContext *corev1.SecurityContext `json:"securityContext,omitempty"`

	// podSecurityContext of the pod. What it sets wins over the defaults: user,
	// group and fsGroup 65532, which the image is built for.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	PodSecurityContext *corev1.PodSecurityContext `json:"podSecurityContext,omitempty"`

	// serviceAccountName is the ServiceAccount of the pod. Its token is not
	// mounted. Another one than default needs the right to create pods.
	// Default: default, by Kubernetes.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=253
	ServiceAccountName string `json:"serviceAccountName,omitempty"`

	// nodeSelector are labels that the node must have.
	// +optional
	// +mapType=atomic
	// +k8s:optional
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// tolerations let the pod run on nodes with these taints.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:eachVal=+k8s:opaqueType
	Tolerations []corev1.Toleration `json:"tolerations,omitempty"`

	// affinity chooses nodes by their labels and by the pods on them.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	Affinity *corev1.Affinity `json:"affinity,omitempty"`

	// topologySpreadConstraints spread the pods of several servers, by a label
	// of podLabels: a server has one pod only.
	// +optional
	// +patchMergeKey=topologyKey
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=topologyKey
	// +listMapKey=whenUnsatisfiable
	// +k8s:optional
	// +k8s:listType=map
	// +k8s:listMapKey=topologyKey
	// +k8s:listMapKey=whenUnsatisfiable
	// +k8s:eachVal=+k8s:opaqueType
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty" patchStrategy:"merge" patchMergeKey:"topologyKey"`

	// priorityClassName of the pod. Default: that of the cluster.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=253
	PriorityClassName string `json:"priorityClassName,omitempty"`

	// podLabels are labels of the pod beside those of the controller. A change
	// restarts it. The labels app and instance, and those of dittofs.io and
	// app.kubernetes.io, are reserved.
	// +optional
	// +k8s:optional
	PodLabels map[string]string `json:"podLabels,omitempty"`

	// podAnnotations are annotations of the pod beside those of the controller.
	// A change restarts it. Those of dittofs.io are reserved.
	// +optional
	// +k8s:optional
	PodAnnotations map[string]string `json:"podAnnotations,omitempty"`

	// extraEnv are environment variables of the dfs container. The names that
	// dfs and its libraries read their configuration from are refused:
	// DITTOFS_*, KRB5*, AWS_CA_BUNDLE, HOME, XDG_* and LD_*.
	// +optional
	// +patchMergeKey=name
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=name
	// +k8s:optional
	// +k8s:listType=map
	// +k8s:listMapKey=name
	// +k8s:maxItems=64
	// +k8s:eachVal=+k8s:opaqueType
	ExtraEnv []corev1.EnvVar `json:"extraEnv,omitempty" patchStrategy:"merge" patchMergeKey:"name"`

	// extraVolumes are volumes of the pod, for example with the CA of a
	// directory: configMap, secret, projected (without tokens), downwardAPI,
	// emptyDir, persistentVolumeClaim, ephemeral, csi and image. Claims named like
	// those of a DittoServer (metadata-NAME-0 and the like) are refused.
	// +optional
	// +patchMergeKey=name
	// +patchStrategy=merge,retainKeys
	// +listType=map
	// +listMapKey=name
	// +k8s:optional
	// +k8s:listType=map
	// +k8s:listMapKey=name
	// +k8s:maxItems=32
	// +k8s:eachVal=+k8s:opaqueType
	ExtraVolumes []corev1.Volume `json:"extraVolumes,omitempty" patchStrategy:"merge,retainKeys" patchMergeKey:"name"`

	// extraVolumeMounts mount extraVolumes into the dfs container, away from the
	// paths that dfs uses itself: /app, /config, /data, /tls, /tls-client-ca,
	// /metrics-token, /kerberos, /kerberos-krb5, /kerberos-machine, /postgres-ca
	// and /tmp.
	// +optional
	// +patchMergeKey=mountPath
	// +patchStrategy=merge
	// +listType=map
	// +listMapKey=mountPath
	// +k8s:optional
	// +k8s:listType=map
	// +k8s:listMapKey=mountPath
	// +k8s:maxItems=32
	// +k8s:eachVal=+k8s:opaqueType
	ExtraVolumeMounts []corev1.VolumeMount `json:"extraVolumeMounts,omitempty" patchStrategy:"merge" patchMergeKey:"mountPath"`
}

// RolloutPolicy is when a change that restarts the pod is carried out.
// +enum
// +k8s:enum
type RolloutPolicy string

const (
	// RolloutAutomatic restarts the pod as soon as a change needs it.
	RolloutAutomatic RolloutPolicy = "Automatic"
	// RolloutOnRequest waits for the annotation dittofs.io/rollout.
	RolloutOnRequest RolloutPolicy = "OnRequest"
)
