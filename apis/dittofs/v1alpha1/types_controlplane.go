// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// TLSVersion is a version of TLS.
// +enum
// +k8s:enum
type TLSVersion string

const (
	// TLS12 is TLS 1.2.
	TLS12 TLSVersion = "1.2"
	// TLS13 is TLS 1.3.
	TLS13 TLSVersion = "1.3"
)

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

	// tls is accepted, so that manifests of the DittoFS operator apply
	// unchanged, and not read: the API serves TLS exactly when certSecretName
	// is set.
	// +optional
	// +k8s:optional
	TLS bool `json:"tls,omitempty"`

	// certSecretName names the Secret with tls.crt and tls.key, and if wanted
	// ca.crt by which the controller verifies them. With it the API serves TLS
	// only. The certificate must be good for NAME-api.NAMESPACE.svc, or for
	// tlsServerName. A renewed certificate is picked up without a restart.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=253
	CertSecretName string `json:"certSecretName,omitempty"`

	// tlsMinVersion is the oldest version of TLS that the API speaks, 1.2 or
	// 1.3. Default 1.2, by dfs.
	// +optional
	// +k8s:optional
	TLSMinVersion TLSVersion `json:"tlsMinVersion,omitempty"`

	// tlsServerName is the name that the controller expects in the certificate.
	// Default NAME-api.NAMESPACE.svc.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=253
	TLSServerName string `json:"tlsServerName,omitempty"`

	// clientCASecretName names the Secret whose ca.crt signs the certificates
	// of all callers of the API (mutual TLS). It needs certSecretName and
	// clientCertSecretName. The kubelet cannot show a certificate: probes then
	// only open a connection.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=253
	ClientCASecretName string `json:"clientCASecretName,omitempty"`

	// clientCertSecretName names the Secret with tls.crt and tls.key (extended
	// key usage clientAuth) that the controller shows to the API.
	// +optional
	// +k8s:optional
	// +k8s:maxLength=253
	ClientCertSecretName string `json:"clientCertSecretName,omitempty"`

	// writeTimeout bounds one answer of the API, a Go duration of 10s to 2h.
	// The restore of a snapshot must finish within it. Default 2m.
	// +optional
	// +default="2m"
	// +k8s:optional
	WriteTimeout string `json:"writeTimeout,omitempty"`

	// ingress publishes the API by an Ingress.
	// +optional
	// +k8s:optional
	Ingress *IngressSpec `json:"ingress,omitempty"`
}
