// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import corev1 "k8s.io/api/core/v1"

// ControlPlaneSpec is the REST API of dfs.
type ControlPlaneSpec struct {
	// port of the REST API, in the pod and on the Service, 1 to 65535. Ports
	// under 1024 need a capability that the pod does not have by default.
	// Default 8080.
	// +optional
	// +default=8080
	// +k8s:optional
	// +k8s:minimum=1
	// +k8s:maximum=65535
	Port *int32 `json:"port,omitempty"`
}

// ServiceSpec shapes the Service NAME-api.
type ServiceSpec struct {
	// type of the Service: ClusterIP, NodePort or LoadBalancer. Default ClusterIP.
	// +optional
	// +default="ClusterIP"
	// +k8s:optional
	Type corev1.ServiceType `json:"type,omitempty"`

	// annotations of the Service, for example for the load balancer of a cloud.
	// An annotation that is taken away here is taken away there.
	// +optional
	// +k8s:optional
	Annotations map[string]string `json:"annotations,omitempty"`
}
