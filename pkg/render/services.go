// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// apiPortName is the port of the REST API in the Services and in the pod.
const apiPortName = "api"

// headlessService gives the pod the stable DNS name that a StatefulSet promises. Its name resolves from the first second of
// the pod on: whoever looks at a server that does not get ready needs it most.
func headlessService(server *v1alpha1.DittoServer) *corev1ac.ServiceApplyConfiguration {
	return corev1ac.Service(HeadlessServiceName(server.Name), server.Namespace).
		WithLabels(allLabels(server)).
		WithSpec(corev1ac.ServiceSpec().
			WithType(corev1.ServiceTypeClusterIP).
			WithClusterIP(corev1.ClusterIPNone).
			WithPublishNotReadyAddresses(true).
			WithSelector(SelectorLabels(server.Name)).
			WithPorts(apiServicePort(server)))
}

// apiService is how people and programs reach the REST API.
func apiService(server *v1alpha1.DittoServer) *corev1ac.ServiceApplyConfiguration {
	spec := server.Spec.Service
	e := exposure{serviceType: spec.Type, nodePort: spec.NodePort, ServiceExposure: spec.ServiceExposure}
	return e.service(server, APIServiceName(server.Name), allLabels(server), e.withNodePort(apiServicePort(server)))
}

// apiServicePort has the number of the port in the pod, as it always had: links and firewall rules know it.
func apiServicePort(server *v1alpha1.DittoServer) *corev1ac.ServicePortApplyConfiguration {
	port := *server.Spec.ControlPlane.Port
	return servicePort(apiPortName, corev1.ProtocolTCP, port, port)
}

// servicePort writes the protocol and the target out, so that both are ours: left out, they would be the cluster's.
func servicePort(name string, protocol corev1.Protocol, port, target int32) *corev1ac.ServicePortApplyConfiguration {
	return corev1ac.ServicePort().
		WithName(name).
		WithProtocol(protocol).
		WithPort(port).
		WithTargetPort(intstr.FromInt32(target))
}
