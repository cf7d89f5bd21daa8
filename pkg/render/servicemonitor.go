// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// ServiceMonitorKind is the kind of the Prometheus operator, which a cluster may not have.
var ServiceMonitorKind = schema.GroupVersionKind{Group: "monitoring.coreos.com", Version: "v1", Kind: "ServiceMonitor"}

const (
	// labelMetricsService marks the Service of the metrics, as the DittoFS operator marks it.
	labelMetricsService = "dittofs.io/metrics-service"
	metricsPortName     = "metrics"
)

// enabledMetrics is what the spec says about metrics; nil when they are off.
func enabledMetrics(server *v1alpha1.DittoServer) *v1alpha1.MetricsSpec {
	if metrics := server.Spec.Metrics; metrics != nil && metrics.Enabled {
		return metrics
	}
	return nil
}

// metricsService is within the cluster whatever the other Services are. The annotations are for a Prometheus without
// operator.
func metricsService(server *v1alpha1.DittoServer) *corev1ac.ServiceApplyConfiguration {
	metrics := enabledMetrics(server)
	if metrics == nil {
		return nil
	}
	e := exposure{serviceType: corev1.ServiceTypeClusterIP, ServiceExposure: v1alpha1.ServiceExposure{
		Annotations: map[string]string{
			"prometheus.io/scrape": "true",
			"prometheus.io/port":   strconv.Itoa(int(*metrics.Port)),
			"prometheus.io/path":   metrics.Path,
		},
	}}
	return e.service(server, MetricsName(server.Name), metricsLabels(server),
		servicePort(metricsPortName, corev1.ProtocolTCP, *metrics.Port, *metrics.Port))
}

// serviceMonitor tells the Prometheus operator about the Service; nil when the spec does not ask for it. It selects by
// labels that no other server has, in its own namespace.
func serviceMonitor(server *v1alpha1.DittoServer) *unstructured.Unstructured {
	metrics := enabledMetrics(server)
	if metrics == nil || metrics.ServiceMonitor == nil || !metrics.ServiceMonitor.Enabled {
		return nil
	}
	endpoint := map[string]any{"port": metricsPortName, "path": metrics.Path}
	if interval := metrics.ServiceMonitor.Interval; interval != "" {
		endpoint["interval"] = interval
	}
	if ref := metrics.BearerTokenSecret; ref != nil {
		endpoint["authorization"] = map[string]any{
			"type":        "Bearer",
			"credentials": map[string]any{"name": ref.Name, "key": ref.Key},
		}
	}
	object := newUnstructured(server, ServiceMonitorKind, MetricsName(server.Name),
		mergedMaps(metrics.ServiceMonitor.Labels, metricsLabels(server)))
	object.Object["spec"] = map[string]any{
		"endpoints":         []any{endpoint},
		"namespaceSelector": map[string]any{"matchNames": []any{server.Namespace}},
		"selector": map[string]any{"matchLabels": map[string]any{
			labelMetricsService:     labelTrue,
			v1alpha1.LabelManagedBy: v1alpha1.ManagedBy,
			v1alpha1.LabelServer:    server.Name,
		}},
	}
	return object
}

func metricsLabels(server *v1alpha1.DittoServer) map[string]string {
	return mergedMaps(allLabels(server), map[string]string{labelMetricsService: labelTrue})
}

// newUnstructured is an object of a kind that we do not compile in.
func newUnstructured(server *v1alpha1.DittoServer, kind schema.GroupVersionKind, name string, labels map[string]string) *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetGroupVersionKind(kind)
	object.SetName(name)
	object.SetNamespace(server.Namespace)
	object.SetLabels(labels)
	return object
}
