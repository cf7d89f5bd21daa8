// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
)

// ServiceExposure is how a Service is reached. The fields are those of a
// Service of Kubernetes, with the same rules.
type ServiceExposure struct {
	// annotations of the Service, for example for the load balancer of a cloud.
	// An annotation that is taken away here is taken away there.
	// +optional
	// +k8s:optional
	Annotations map[string]string `json:"annotations,omitempty"`

	// labels of the Service, beside those that the controller sets. The labels
	// app and instance, and those of dittofs.io and app.kubernetes.io, are reserved.
	// +optional
	// +k8s:optional
	Labels map[string]string `json:"labels,omitempty"`

	// loadBalancerClass is the implementation of the load balancer; for type
	// LoadBalancer only. A Service cannot change it while its type stays.
	// Example: example.com/internal.
	// +optional
	// +k8s:optional
	LoadBalancerClass *string `json:"loadBalancerClass,omitempty"`

	// loadBalancerSourceRanges are the networks that the load balancer serves,
	// in CIDR form; for type LoadBalancer only. Empty: everybody.
	// Example: [10.0.0.0/8].
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=256
	LoadBalancerSourceRanges []string `json:"loadBalancerSourceRanges,omitempty"`

	// externalTrafficPolicy is Cluster or Local; for types NodePort and
	// LoadBalancer. Local keeps the address of the client, which NFS exports
	// and audit logs need. Default Cluster, by Kubernetes.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	ExternalTrafficPolicy corev1.ServiceExternalTrafficPolicy `json:"externalTrafficPolicy,omitempty"`

	// ipFamilyPolicy is SingleStack, PreferDualStack or RequireDualStack.
	// Two ipFamilies need one of the latter. Default SingleStack, by Kubernetes.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	IPFamilyPolicy *corev1.IPFamilyPolicy `json:"ipFamilyPolicy,omitempty"`

	// ipFamilies are the address families in order of preference, at most two
	// of IPv4 and IPv6. The first cannot be changed later. Default: the cluster's.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:maxItems=2
	// +k8s:eachVal=+k8s:opaqueType
	IPFamilies []corev1.IPFamily `json:"ipFamilies,omitempty"`
}

// ServiceSpec shapes the Service NAME-api in front of the REST API.
type ServiceSpec struct {
	// type of the Service: ClusterIP, NodePort or LoadBalancer. Default ClusterIP.
	// +optional
	// +default="ClusterIP"
	// +k8s:optional
	// +k8s:opaqueType
	Type corev1.ServiceType `json:"type,omitempty"`

	// nodePort is the port on every node, 1 to 65535 within the range of the
	// cluster; for types NodePort and LoadBalancer. Left out, the cluster chooses.
	// +optional
	// +k8s:optional
	// +k8s:minimum=1
	// +k8s:maximum=65535
	NodePort *int32 `json:"nodePort,omitempty"`

	ServiceExposure `json:",inline"`
}

// AdapterDiscoverySpec is how the controller follows the protocol adapters,
// which are switched on and off in the dfs API.
type AdapterDiscoverySpec struct {
	// pollingInterval is the time between two looks at the adapters, a Go
	// duration of 5s to 1h. Default 30s.
	// +optional
	// +default="30s"
	// +k8s:optional
	PollingInterval string `json:"pollingInterval,omitempty"`
}

// AdapterServicesSpec shapes the Services NAME-adapter-nfs and NAME-adapter-smb,
// one for each protocol adapter that runs. What nfs or smb sets wins over what is
// set here; maps are merged.
type AdapterServicesSpec struct {
	// type of the Services: LoadBalancer, NodePort or ClusterIP. A cluster
	// without load balancers leaves LoadBalancer pending: use NodePort there.
	// Default LoadBalancer.
	// +optional
	// +default="LoadBalancer"
	// +k8s:optional
	// +k8s:opaqueType
	Type corev1.ServiceType `json:"type,omitempty"`

	ServiceExposure `json:",inline"`

	// nfs is what is different for NFS.
	// +optional
	// +k8s:optional
	NFS *AdapterServiceSpec `json:"nfs,omitempty"`

	// smb is what is different for SMB.
	// +optional
	// +k8s:optional
	SMB *AdapterServiceSpec `json:"smb,omitempty"`
}

// AdapterServiceSpec shapes the Service of one protocol adapter.
type AdapterServiceSpec struct {
	// type of the Service. Default: adapterServices.type.
	// +optional
	// +k8s:optional
	// +k8s:opaqueType
	Type corev1.ServiceType `json:"type,omitempty"`

	// port of the Service, 1 to 65535, which leads to the port that the adapter
	// listens on. Default 2049 for NFS and 445 for SMB, where clients look. The
	// adapter's own port (12049 and 1445 by default) is always reachable too.
	// +optional
	// +k8s:optional
	// +k8s:minimum=1
	// +k8s:maximum=65535
	Port *int32 `json:"port,omitempty"`

	// nodePort is the port on every node that leads to port; for types NodePort
	// and LoadBalancer. Left out, the cluster chooses.
	// +optional
	// +k8s:optional
	// +k8s:minimum=1
	// +k8s:maximum=65535
	NodePort *int32 `json:"nodePort,omitempty"`

	ServiceExposure `json:",inline"`
}

// IngressSpec publishes the REST API by an Ingress NAME-api.
type IngressSpec struct {
	// host is the DNS name that leads to the REST API. Example: files.example.com.
	// +required
	// +k8s:required
	Host string `json:"host"`

	// className is the IngressClass. Default: the cluster's default class.
	// +optional
	// +k8s:optional
	ClassName *string `json:"className,omitempty"`

	// tlsSecretName names the Secret with tls.crt and tls.key for host. Left
	// out, the Ingress serves plain HTTP: tokens then cross the network in clear.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=253
	TLSSecretName string `json:"tlsSecretName,omitempty"`

	// annotations of the Ingress. With TLS between the ingress controller and
	// dfs (controlPlane.certSecretName), most need one that says so.
	// +optional
	// +k8s:optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// NetworkPolicySpec limits who reaches the pod. Policies say what may come in;
// what the pod may reach is not limited.
type NetworkPolicySpec struct {
	// enabled makes NetworkPolicies for the REST API, the metrics and each
	// protocol adapter that runs. Default true.
	// +optional
	// +default=true
	// +k8s:optional
	Enabled *bool `json:"enabled,omitempty"`

	// apiSources may reach the REST API. The controller may, whatever is set.
	// Empty: everybody.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:eachVal=+k8s:opaqueType
	APISources []networkingv1.NetworkPolicyPeer `json:"apiSources,omitempty"`

	// adapterSources may reach NFS and SMB. Empty: everybody. Behind a load
	// balancer the pod sees the address of a node unless externalTrafficPolicy
	// is Local.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:eachVal=+k8s:opaqueType
	AdapterSources []networkingv1.NetworkPolicyPeer `json:"adapterSources,omitempty"`

	// metricsSources may reach the metrics. Empty: everybody.
	// +optional
	// +listType=atomic
	// +k8s:optional
	// +k8s:listType=atomic
	// +k8s:eachVal=+k8s:opaqueType
	MetricsSources []networkingv1.NetworkPolicyPeer `json:"metricsSources,omitempty"`
}
