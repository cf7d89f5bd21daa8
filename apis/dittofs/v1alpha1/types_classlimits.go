// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// ClassLimits are what the servers of a class may be. A limit that is left out
// allows everything; an allowed list that is empty allows nothing.
type ClassLimits struct {
	// images bounds every image of a server: spec.image, those of percona, and
	// images that are mounted as volumes.
	// +optional
	// +k8s:optional
	Images *ImageLimits `json:"images,omitempty"`

	// storageClasses are the names of StorageClasses for all volumes, those of
	// PostgreSQL and of extraVolumes too. With it, a server must name one: put
	// one into the defaults for those that do not care.
	// +optional
	// +k8s:optional
	StorageClasses *AllowedValues `json:"storageClasses,omitempty"`

	// storage bounds sizes of volumes.
	// +optional
	Storage StorageLimits `json:"storage,omitempty,omitzero"`

	// serversPerNamespace is how many servers of this class a namespace may have.
	// +optional
	// +k8s:optional
	// +k8s:minimum=0
	ServersPerNamespace *int32 `json:"serversPerNamespace,omitempty"`

	// databases are the kinds of database: sqlite, postgres and percona.
	// +optional
	// +k8s:optional
	Databases *AllowedValues `json:"databases,omitempty"`

	// resources bounds the compute resources of each container that a server
	// asks for: dfs, PostgreSQL and its connection pool.
	// +optional
	Resources ComputeLimits `json:"resources,omitempty,omitzero"`

	// services bounds the Services of the REST API, NFS and SMB.
	// +optional
	Services ServiceLimits `json:"services,omitempty,omitzero"`

	// ingress bounds the Ingress of the REST API.
	// +optional
	Ingress IngressLimits `json:"ingress,omitempty,omitzero"`

	// networkPolicy bounds who may be let in.
	// +optional
	NetworkPolicy NetworkPolicyLimits `json:"networkPolicy,omitempty,omitzero"`

	// config are the keys of spec.config, with dots between levels.
	// Example: {allowed: [gc.*]}.
	// +optional
	// +k8s:optional
	Config *AllowedValues `json:"config,omitempty"`

	// extraEnv are the names of variables in extraEnv. {allowed: []} switches it off.
	// +optional
	// +k8s:optional
	ExtraEnv *AllowedValues `json:"extraEnv,omitempty"`

	// extraVolumes are the kinds of volumes in extraVolumes, as the fields of a
	// volume are called: configMap, secret, projected, downwardAPI, emptyDir,
	// persistentVolumeClaim, ephemeral, csi and image. {allowed: []} switches it off.
	// +optional
	// +k8s:optional
	ExtraVolumes *AllowedValues `json:"extraVolumes,omitempty"`

	// securityContexts is Allowed or Forbidden: whether a server may set
	// securityContext and podSecurityContext to anything but the defaults of the
	// class. Default Allowed.
	// +optional
	// +k8s:optional
	SecurityContexts Permission `json:"securityContexts,omitempty"`

	// serviceAccounts are the names in serviceAccountName. The account default
	// is always allowed.
	// +optional
	// +k8s:optional
	ServiceAccounts *AllowedValues `json:"serviceAccounts,omitempty"`

	// scheduling bounds where pods run.
	// +optional
	Scheduling SchedulingLimits `json:"scheduling,omitempty,omitzero"`

	// podLabels are the keys in podLabels.
	// +optional
	// +k8s:optional
	PodLabels *AllowedValues `json:"podLabels,omitempty"`

	// podAnnotations are the keys in podAnnotations.
	// +optional
	// +k8s:optional
	PodAnnotations *AllowedValues `json:"podAnnotations,omitempty"`

	// backupEndpoints are the hosts in percona.backup.endpoint, with their ports.
	// Example: {allowed: ["s3.*.example.com"]}.
	// +optional
	// +k8s:optional
	BackupEndpoints *AllowedValues `json:"backupEndpoints,omitempty"`
}

// AllowedValues are the values that something may have.
type AllowedValues struct {
	// allowed values. A star stands for any number of characters, also none.
	// An empty list allows nothing. At most 256.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=256
	Allowed []string `json:"allowed"`
}

// AllowedNetworks are the networks that addresses must lie in.
type AllowedNetworks struct {
	// allowed networks in CIDR form. A network is allowed if it lies within one
	// of them. An empty list allows nothing. Example: [10.0.0.0/8, fd00::/8].
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=256
	Allowed []string `json:"allowed"`
}

// Permission is Allowed or Forbidden.
// +enum
// +k8s:enum
type Permission string

const (
	// PermissionAllowed lets users do it.
	PermissionAllowed Permission = "Allowed"
	// PermissionForbidden does not.
	PermissionForbidden Permission = "Forbidden"
)

// ImageLimits bounds images.
type ImageLimits struct {
	// allowed images, as they are written, with their tags or digests. A star
	// stands for any number of characters, a slash among them: end a registry or
	// a repository with a slash before the star. Left out: every image.
	// Example: [registry.example.com/dittofs/*].
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=256
	Allowed []string `json:"allowed,omitempty"`

	// digestOnly allows images by digest only: NAME@sha256:... Default false.
	// +optional
	// +k8s:optional
	DigestOnly bool `json:"digestOnly,omitempty"`
}

// StorageLimits bounds sizes of volumes. What counts is what the spec asks for:
// the volumes of dfs, unless they are ephemeral, and those of PostgreSQL, times
// its replicas.
type StorageLimits struct {
	// maxVolumeSize is the largest size of one volume. Example: 1Ti.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	MaxVolumeSize *resource.Quantity `json:"maxVolumeSize,omitempty"`

	// maxServerSize is the largest sum over the volumes of one server.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	MaxServerSize *resource.Quantity `json:"maxServerSize,omitempty"`

	// maxNamespaceSize is the largest sum over all servers of this class in one
	// namespace.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	MaxNamespaceSize *resource.Quantity `json:"maxNamespaceSize,omitempty"`
}

// ComputeLimits bounds compute resources.
type ComputeLimits struct {
	// max of each resource, for requests and for limits. A server must then set
	// the limit of that resource. Resources that are not listed are not bounded.
	// Example: {cpu: "4", memory: 16Gi}.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	Max corev1.ResourceList `json:"max,omitempty"`
}

// ServiceLimits bounds Services.
type ServiceLimits struct {
	// types of Services: ClusterIP, NodePort and LoadBalancer.
	// +optional
	// +k8s:optional
	Types *AllowedValues `json:"types,omitempty"`

	// sourceRangesRequired wants loadBalancerSourceRanges for every Service of
	// type LoadBalancer. Default false.
	// +optional
	// +k8s:optional
	SourceRangesRequired bool `json:"sourceRangesRequired,omitempty"`

	// sourceRanges are the networks that loadBalancerSourceRanges must lie in.
	// +optional
	// +k8s:optional
	SourceRanges *AllowedNetworks `json:"sourceRanges,omitempty"`

	// loadBalancerClasses are the names in loadBalancerClass.
	// +optional
	// +k8s:optional
	LoadBalancerClasses *AllowedValues `json:"loadBalancerClasses,omitempty"`

	// nodePorts is Allowed or Forbidden: whether a server may choose its
	// nodePort. Default Allowed.
	// +optional
	// +k8s:optional
	NodePorts Permission `json:"nodePorts,omitempty"`

	// annotations are the keys of annotations of Services.
	// +optional
	// +k8s:optional
	Annotations *AllowedValues `json:"annotations,omitempty"`

	// labels are the keys of labels of Services.
	// +optional
	// +k8s:optional
	Labels *AllowedValues `json:"labels,omitempty"`
}

// IngressLimits bounds Ingresses.
type IngressLimits struct {
	// hosts of Ingresses. {allowed: []} switches them off.
	// Example: {allowed: ["*.files.example.com"]}.
	// +optional
	// +k8s:optional
	Hosts *AllowedValues `json:"hosts,omitempty"`

	// classes are the names of IngressClasses. With it, an Ingress must name one.
	// +optional
	// +k8s:optional
	Classes *AllowedValues `json:"classes,omitempty"`

	// annotations are the keys of annotations of Ingresses.
	// +optional
	// +k8s:optional
	Annotations *AllowedValues `json:"annotations,omitempty"`
}

// NetworkPolicyLimits bounds who may be let in.
type NetworkPolicyLimits struct {
	// required wants networkPolicy.enabled. Default false.
	// +optional
	// +k8s:optional
	Required bool `json:"required,omitempty"`

	// sourcesRequired wants apiSources and adapterSources, and metricsSources
	// where metrics are enabled: left out, they mean everybody. Default false.
	// +optional
	// +k8s:optional
	SourcesRequired bool `json:"sourcesRequired,omitempty"`

	// networks are what the ipBlocks of sources must lie in.
	// +optional
	// +k8s:optional
	Networks *AllowedNetworks `json:"networks,omitempty"`

	// otherNamespaces is Allowed or Forbidden: whether sources may be pods of
	// other namespaces. Default Allowed.
	// +optional
	// +k8s:optional
	OtherNamespaces Permission `json:"otherNamespaces,omitempty"`
}

// SchedulingLimits bounds where pods run.
type SchedulingLimits struct {
	// nodeSelector are the entries in nodeSelector, as KEY=VALUE.
	// Example: {allowed: ["pool=files", "disk=*"]}.
	// +optional
	// +k8s:optional
	NodeSelector *AllowedValues `json:"nodeSelector,omitempty"`

	// requiredNodeSelector are entries that nodeSelector must have. Put them into
	// the defaults too. Example: {pool: files}.
	// +optional
	// +k8s:optional
	RequiredNodeSelector map[string]string `json:"requiredNodeSelector,omitempty"`

	// tolerations are the taint keys in tolerations. A toleration without a key
	// tolerates every taint: only the value * allows it.
	// +optional
	// +k8s:optional
	Tolerations *AllowedValues `json:"tolerations,omitempty"`

	// priorityClasses are the names in priorityClassName. Naming none is always allowed.
	// +optional
	// +k8s:optional
	PriorityClasses *AllowedValues `json:"priorityClasses,omitempty"`
}
