// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// NetworkObjects is how a server is reached and by whom, apart from the two Services that it always has. What is nil, and
// what is missing in a list, is not wanted.
type NetworkObjects struct {
	MetricsService  *corev1ac.ServiceApplyConfiguration
	ServiceMonitor  *unstructured.Unstructured
	Ingress         *networkingv1ac.IngressApplyConfiguration
	AdapterServices []*corev1ac.ServiceApplyConfiguration
	NetworkPolicies []*networkingv1ac.NetworkPolicyApplyConfiguration
}

// Network renders them. Who has not seen the adapters of a running server yet must not take the missing ones away.
func Network(server *v1alpha1.DittoServer, in Inputs) (*NetworkObjects, error) {
	server = withDefaults(server)
	adapters := exposedAdapters(server, in.Adapters)
	policies, err := networkPolicies(server, in, adapters)
	if err != nil {
		return nil, fmt.Errorf("rendering the NetworkPolicies: %w", err)
	}
	return &NetworkObjects{
		MetricsService:  metricsService(server),
		ServiceMonitor:  serviceMonitor(server),
		Ingress:         ingress(server),
		AdapterServices: adapterServices(server, adapters),
		NetworkPolicies: policies,
	}, nil
}

// APIURL is the address of the REST API within the cluster.
func APIURL(server *v1alpha1.DittoServer) string {
	server = withDefaults(server)
	scheme := "http"
	if server.Spec.ControlPlane.CertSecretName != "" {
		scheme = "https"
	}
	host := APIServiceName(server.Name) + "." + server.Namespace + ".svc"
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(int(*server.Spec.ControlPlane.Port)))
}

// MountHint is the command that mounts a share: the reader puts the name of the share in place of SHARE. It names the port
// that the Service has for clients, which is what a client at host reaches; a node has another one. It is empty for an
// adapter that nobody knows how to mount.
func MountHint(server *v1alpha1.DittoServer, adapter, host string) string {
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	port := AdapterPort(server, adapter)
	switch adapter {
	case adapterNFS:
		return fmt.Sprintf("mount -t nfs -o vers=4,port=%d %s:/SHARE /mnt", port, host)
	case adapterSMB:
		return fmt.Sprintf("mount -t cifs -o port=%d,username=USER //%s/SHARE /mnt", port, host)
	}
	return ""
}
