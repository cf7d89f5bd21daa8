// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	networkingv1 "k8s.io/api/networking/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// ingress publishes the REST API under a host name; nil when the spec asks for none. The class that a cluster fills in is
// not ours.
func ingress(server *v1alpha1.DittoServer) *networkingv1ac.IngressApplyConfiguration {
	want := server.Spec.ControlPlane.Ingress
	if want == nil {
		return nil
	}
	backend := networkingv1ac.IngressBackend().WithService(networkingv1ac.IngressServiceBackend().
		WithName(APIServiceName(server.Name)).
		WithPort(networkingv1ac.ServiceBackendPort().WithName(apiPortName)))
	spec := networkingv1ac.IngressSpec().
		WithRules(networkingv1ac.IngressRule().
			WithHost(want.Host).
			WithHTTP(networkingv1ac.HTTPIngressRuleValue().
				WithPaths(networkingv1ac.HTTPIngressPath().
					WithPath("/").
					WithPathType(networkingv1.PathTypePrefix).
					WithBackend(backend))))
	if want.ClassName != nil {
		spec.WithIngressClassName(*want.ClassName)
	}
	if want.TLSSecretName != "" {
		spec.WithTLS(networkingv1ac.IngressTLS().WithHosts(want.Host).WithSecretName(want.TLSSecretName))
	}
	return networkingv1ac.Ingress(IngressName(server.Name), server.Namespace).
		WithLabels(allLabels(server)).
		WithAnnotations(want.Annotations).
		WithSpec(spec)
}
