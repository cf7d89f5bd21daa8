// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// ClassDefaults are written into a DittoServer when it is created, where its
// author left the field out. Of maps, such as nodeSelector, single keys are
// filled in; everything else is taken as a whole or not at all.
type ClassDefaults struct {
	// image is the container image of dfs. Example: registry.example.com/dittofs:v0.29.0.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=1024
	Image string `json:"image,omitempty"`

	// imagePullPolicy is Always, IfNotPresent or Never.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	ImagePullPolicy corev1.PullPolicy `json:"imagePullPolicy,omitempty"`

	// imagePullSecrets name Secrets in the namespace of the server. Its author
	// needs the right to read them.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=16
	// +k8s:eachVal=+k8s:opaqueType
	ImagePullSecrets []corev1.LocalObjectReference `json:"imagePullSecrets,omitempty"`

	// rollout is Automatic or OnRequest.
	// +optional
	// +k8s:optional
	Rollout RolloutPolicy `json:"rollout,omitempty"`

	// storageClassName is the StorageClass of the volumes, and of those of
	// PostgreSQL unless database.percona.storageClassName says otherwise.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`

	// database is for servers that choose no database of their own.
	// +optional
	// +k8s:optional
	Database *ClassDatabaseDefaults `json:"database,omitempty"`

	// service shapes the Service of the REST API.
	// +optional
	// +k8s:optional
	Service *ClassServiceDefaults `json:"service,omitempty"`

	// adapterServices shapes the Services of NFS and SMB.
	// +optional
	// +k8s:optional
	AdapterServices *ClassServiceDefaults `json:"adapterServices,omitempty"`

	// networkPolicy limits who reaches the pod.
	// +optional
	// +k8s:optional
	NetworkPolicy *ClassNetworkPolicyDefaults `json:"networkPolicy,omitempty"`

	// logging is what dfs writes to its log.
	// +optional
	// +k8s:optional
	Logging *ClassLoggingDefaults `json:"logging,omitempty"`

	// resources are the compute resources of the dfs container.
	// Example: {requests: {cpu: 500m, memory: 2Gi}, limits: {memory: 4Gi}}.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// securityContext of the dfs container.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	SecurityContext *corev1.SecurityContext `json:"securityContext,omitempty"`

	// podSecurityContext of the pod.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	PodSecurityContext *corev1.PodSecurityContext `json:"podSecurityContext,omitempty"`

	// nodeSelector are labels that the node must have. Example: {pool: files}.
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

	// topologySpreadConstraints spread the pods of several servers, by a label of podLabels.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:eachVal=+k8s:opaqueType
	TopologySpreadConstraints []corev1.TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`

	// priorityClassName of the pod.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=253
	PriorityClassName string `json:"priorityClassName,omitempty"`

	// podLabels are labels of the pod.
	// +optional
	// +k8s:optional
	PodLabels map[string]string `json:"podLabels,omitempty"`

	// podAnnotations are annotations of the pod.
	// +optional
	// +k8s:optional
	PodAnnotations map[string]string `json:"podAnnotations,omitempty"`
}

// DatabaseKind is where dfs keeps its records.
// +enum
// +k8s:enum
type DatabaseKind string

const (
	// KindSQLite is a file on the control-plane volume.
	KindSQLite DatabaseKind = "sqlite"
	// KindPostgres is a PostgreSQL server that a Secret leads to.
	KindPostgres DatabaseKind = "postgres"
	// KindPercona is PostgreSQL by the Percona operator.
	KindPercona DatabaseKind = "percona"
)

// ClassDatabaseDefaults chooses a database for servers that do not. A server that
// sets anything of database.type, database.sqlite, database.postgresSecretRef or
// percona.enabled has chosen.
type ClassDatabaseDefaults struct {
	// kind is sqlite, postgres or percona. Default sqlite.
	// +optional
	// +k8s:optional
	Kind DatabaseKind `json:"kind,omitempty"`

	// postgresSecretName names the Secret that leads to the database, in the
	// namespace of the server; for kind postgres, which needs it.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=253
	PostgresSecretName string `json:"postgresSecretName,omitempty"`

	// percona is for servers whose database is made by the Percona operator,
	// whether they chose that or kind did.
	// +optional
	// +k8s:optional
	Percona *ClassPerconaDefaults `json:"percona,omitempty"`
}

// ClassPerconaDefaults shape the PerconaPGClusters of a class.
type ClassPerconaDefaults struct {
	// replicas is the number of PostgreSQL instances, 1 to 5.
	// +optional
	// +k8s:optional
	// +k8s:minimum=1
	// +k8s:maximum=5
	Replicas *int32 `json:"replicas,omitempty"`

	// storageSize is the size of the volume of each instance. Example: 20Gi.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	StorageSize *resource.Quantity `json:"storageSize,omitempty"`

	// storageClassName is the StorageClass of the instances.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=253
	StorageClassName *string `json:"storageClassName,omitempty"`

	// resources of each instance.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	Resources *corev1.ResourceRequirements `json:"resources,omitempty"`

	// images of the cluster, for example from a registry of your own.
	// +optional
	Images PerconaImages `json:"images,omitempty,omitzero"`
}

// ClassServiceDefaults shape a Service.
type ClassServiceDefaults struct {
	// type of the Service: ClusterIP, NodePort or LoadBalancer.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	Type corev1.ServiceType `json:"type,omitempty"`

	// annotations of the Service. Only those that the server does not have are added.
	// +optional
	// +k8s:optional
	Annotations map[string]string `json:"annotations,omitempty"`

	// labels of the Service. Only those that the server does not have are added.
	// +optional
	// +k8s:optional
	Labels map[string]string `json:"labels,omitempty"`

	// loadBalancerClass for servers whose Service is of type LoadBalancer.
	// +optional
	// +k8s:optional
	LoadBalancerClass *string `json:"loadBalancerClass,omitempty"`

	// loadBalancerSourceRanges, in CIDR form, for servers whose Service is of
	// type LoadBalancer. Example: [10.0.0.0/8].
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=256
	LoadBalancerSourceRanges []string `json:"loadBalancerSourceRanges,omitempty"`

	// externalTrafficPolicy is Cluster or Local, for servers whose Service is of
	// type NodePort or LoadBalancer.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	ExternalTrafficPolicy corev1.ServiceExternalTrafficPolicy `json:"externalTrafficPolicy,omitempty"`
}

// ClassNetworkPolicyDefaults limit who reaches the pod.
type ClassNetworkPolicyDefaults struct {
	// enabled makes NetworkPolicies.
	// +optional
	// +k8s:optional
	Enabled *bool `json:"enabled,omitempty"`

	// apiSources may reach the REST API.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:eachVal=+k8s:opaqueType
	APISources []networkingv1.NetworkPolicyPeer `json:"apiSources,omitempty"`

	// adapterSources may reach NFS and SMB.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:eachVal=+k8s:opaqueType
	AdapterSources []networkingv1.NetworkPolicyPeer `json:"adapterSources,omitempty"`

	// metricsSources may reach the metrics.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:eachVal=+k8s:opaqueType
	MetricsSources []networkingv1.NetworkPolicyPeer `json:"metricsSources,omitempty"`
}

// ClassLoggingDefaults are what dfs writes to its log.
type ClassLoggingDefaults struct {
	// level is DEBUG, INFO, WARN or ERROR.
	// +optional
	// +k8s:optional
	Level LogLevel `json:"level,omitempty"`

	// format is text or json.
	// +optional
	// +k8s:optional
	Format LogFormat `json:"format,omitempty"`

	// output is stdout, stderr or a file on a volume that is not the database.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=4096
	Output string `json:"output,omitempty"`
}
