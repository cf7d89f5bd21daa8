// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// MetricsSpec is the Prometheus endpoint of dfs, with a Service NAME-metrics.
type MetricsSpec struct {
	// enabled serves metrics. Default false.
	// +optional
	// +k8s:optional
	Enabled bool `json:"enabled,omitempty"`

	// port of the metrics, in the pod and on the Service, 1 to 65535 and not
	// controlPlane.port. Default 9090.
	// +optional
	// +default=9090
	// +k8s:optional
	// +k8s:minimum=1
	// +k8s:maximum=65535
	Port *int32 `json:"port,omitempty"`

	// path of the metrics, starting with a slash. Default /metrics.
	// +optional
	// +default="/metrics"
	// +k8s:optional
	// +k8s:maxLength=1024
	Path string `json:"path,omitempty"`

	// bearerTokenSecret names the key with the token that scrapers must show.
	// Left out, everybody who reaches the port may read. dfs reads it at its
	// start: a new token restarts the pod.
	// +optional
	// +k8s:optional
	BearerTokenSecret *SecretKeyReference `json:"bearerTokenSecret,omitempty"`

	// serviceMonitor makes a ServiceMonitor of the Prometheus operator.
	// +optional
	// +k8s:optional
	ServiceMonitor *ServiceMonitorSpec `json:"serviceMonitor,omitempty"`
}

// ServiceMonitorSpec shapes the ServiceMonitor NAME-metrics.
type ServiceMonitorSpec struct {
	// enabled makes the ServiceMonitor as soon as the cluster has that kind.
	// Default false.
	// +optional
	// +k8s:optional
	Enabled bool `json:"enabled,omitempty"`

	// interval between two scrapes in the form of Prometheus. Default: that of
	// the Prometheus that scrapes. Example: 30s.
	// +optional
	// +k8s:optional
	Interval string `json:"interval,omitempty"`

	// labels by which a Prometheus selects it. Example: {release: prometheus}.
	// +optional
	// +k8s:optional
	Labels map[string]string `json:"labels,omitempty"`
}
