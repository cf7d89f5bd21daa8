// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// exposure is how one Service is reached: what the spec says about it, after overrides.
type exposure struct {
	serviceType corev1.ServiceType
	nodePort    *int32 // of the port that clients use
	v1alpha1.ServiceExposure
}

// overriddenBy returns the exposure with what over sets: maps are merged, everything else is replaced.
func (e exposure) overriddenBy(over v1alpha1.AdapterServiceSpec) exposure {
	merged := e
	if over.Type != "" {
		merged.serviceType = over.Type
	}
	if over.NodePort != nil {
		merged.nodePort = over.NodePort
	}
	merged.Annotations = mergedMaps(e.Annotations, over.Annotations)
	merged.Labels = mergedMaps(e.Labels, over.Labels)
	if over.LoadBalancerClass != nil {
		merged.LoadBalancerClass = over.LoadBalancerClass
	}
	if len(over.LoadBalancerSourceRanges) > 0 {
		merged.LoadBalancerSourceRanges = over.LoadBalancerSourceRanges
	}
	if over.ExternalTrafficPolicy != "" {
		merged.ExternalTrafficPolicy = over.ExternalTrafficPolicy
	}
	if over.IPFamilyPolicy != nil {
		merged.IPFamilyPolicy = over.IPFamilyPolicy
	}
	if len(over.IPFamilies) > 0 {
		merged.IPFamilies = over.IPFamilies
	}
	return merged
}

// service renders a Service in front of the pod. Labels of the user come under ours. What does not fit the type is left out
// instead of being refused by the API server: a class set for all adapters says nothing about the one that is a NodePort.
// Node ports and addresses that the spec does not name are the cluster's to choose, or a user's: they survive.
func (e exposure) service(server *v1alpha1.DittoServer, name string, labels map[string]string, ports ...*corev1ac.ServicePortApplyConfiguration) *corev1ac.ServiceApplyConfiguration {
	spec := corev1ac.ServiceSpec().
		WithType(e.serviceType).
		WithSelector(SelectorLabels(server.Name)).
		WithPorts(ports...).
		WithIPFamilies(e.families()...)
	if e.IPFamilyPolicy != nil {
		spec.WithIPFamilyPolicy(*e.IPFamilyPolicy)
	}
	if e.outside() && e.ExternalTrafficPolicy != "" {
		spec.WithExternalTrafficPolicy(e.ExternalTrafficPolicy)
	}
	if e.serviceType == corev1.ServiceTypeLoadBalancer {
		spec.WithLoadBalancerSourceRanges(e.LoadBalancerSourceRanges...)
		if e.LoadBalancerClass != nil {
			spec.WithLoadBalancerClass(*e.LoadBalancerClass)
		}
	}
	return corev1ac.Service(name, server.Namespace).
		WithLabels(mergedMaps(e.Labels, labels)).
		WithAnnotations(e.Annotations).
		WithSpec(spec)
}

// withNodePort puts the node port of the spec on the port that clients use.
func (e exposure) withNodePort(port *corev1ac.ServicePortApplyConfiguration) *corev1ac.ServicePortApplyConfiguration {
	if e.nodePort != nil && e.outside() {
		port.WithNodePort(*e.nodePort)
	}
	return port
}

// outside tells whether the Service has node ports.
func (e exposure) outside() bool {
	return e.serviceType == corev1.ServiceTypeNodePort || e.serviceType == corev1.ServiceTypeLoadBalancer
}

// families adds the second family that RequireDualStack implies. The API server would add it, and refuse every later apply
// that names one family only as an attempt to release the other.
func (e exposure) families() []corev1.IPFamily {
	if e.IPFamilyPolicy == nil || *e.IPFamilyPolicy != corev1.IPFamilyPolicyRequireDualStack || len(e.IPFamilies) != 1 {
		return e.IPFamilies
	}
	second := corev1.IPv6Protocol
	if e.IPFamilies[0] == corev1.IPv6Protocol {
		second = corev1.IPv4Protocol
	}
	return []corev1.IPFamily{e.IPFamilies[0], second}
}

// mergedMaps is a new map with the entries of both; those of over win.
func mergedMaps(base, over map[string]string) map[string]string {
	merged := make(map[string]string, len(base)+len(over))
	maps.Copy(merged, base)
	maps.Copy(merged, over)
	return merged
}
