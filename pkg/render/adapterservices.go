// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Types of the protocol adapters that dfs has.
const (
	adapterNFS = "nfs"
	adapterSMB = "smb"
)

// Labels of the Services and NetworkPolicies of adapters, as the DittoFS operator has them.
const (
	labelAdapterService = "dittofs.io/adapter-service"
	labelAdapterPolicy  = "dittofs.io/adapter-networkpolicy"
	labelAdapterType    = "dittofs.io/adapter-type"
	labelTrue           = "true"
)

// portmapPort is where NFSv3 clients ask for the ports of the rest.
const portmapPort = 111

// adapterType is a type that can be part of a name: without a dash, so that no type can claim the name of another object.
var adapterType = regexp.MustCompile(`^[a-z0-9]+$`)

// clientPorts are where clients look for an adapter if they are told nothing.
var clientPorts = map[string]int32{adapterNFS: 2049, adapterSMB: 445}

// AdapterPort is the port of the Service of an adapter that clients use, by the spec; 0 for an adapter of a type that the
// spec does not know, which is reached at its own port only.
func AdapterPort(server *v1alpha1.DittoServer, adapter string) int32 {
	if port := adapterOverride(server, adapter).Port; port != nil {
		return *port
	}
	return clientPorts[adapter]
}

// adapterOverride is what the spec says about one adapter, empty if nothing.
func adapterOverride(server *v1alpha1.DittoServer, adapter string) v1alpha1.AdapterServiceSpec {
	var override *v1alpha1.AdapterServiceSpec
	switch adapter {
	case adapterNFS:
		override = server.Spec.AdapterServices.NFS
	case adapterSMB:
		override = server.Spec.AdapterServices.SMB
	}
	if override == nil {
		return v1alpha1.AdapterServiceSpec{}
	}
	return *override
}

// exposedAdapters returns the adapters that a Service can be made for, by their types. What dfs reports is not trusted: a
// type that makes no name, a second adapter of a type and a port that is none are left out.
func exposedAdapters(server *v1alpha1.DittoServer, reported []Adapter) []Adapter {
	var adapters []Adapter
	for _, adapter := range reported {
		if !adapterType.MatchString(adapter.Type) || !isPort(adapter.Port) ||
			len(validation.IsDNS1035Label(AdapterName(server.Name, adapter.Type))) > 0 ||
			slices.ContainsFunc(adapters, func(seen Adapter) bool { return seen.Type == adapter.Type }) {
			continue
		}
		if adapter.Type != adapterNFS {
			adapter.PortmapperPort, adapter.UDP = 0, false
		}
		if !isPort(adapter.PortmapperPort) {
			adapter.PortmapperPort = 0
		}
		adapters = append(adapters, adapter)
	}
	slices.SortFunc(adapters, func(a, b Adapter) int { return strings.Compare(a.Type, b.Type) })
	return adapters
}

func isPort(port int32) bool { return len(validation.IsValidPortNum(int(port))) == 0 }

// adapterServices renders the Service of each adapter and, where it has UDP ports, that for UDP.
func adapterServices(server *v1alpha1.DittoServer, adapters []Adapter) []*corev1ac.ServiceApplyConfiguration {
	spec := server.Spec.AdapterServices
	var services []*corev1ac.ServiceApplyConfiguration
	for _, adapter := range adapters {
		e := exposure{serviceType: spec.Type, ServiceExposure: spec.ServiceExposure}.
			overriddenBy(adapterOverride(server, adapter.Type))
		labels := adapterLabels(server, labelAdapterService, adapter.Type)
		services = append(services, e.service(server, AdapterName(server.Name, adapter.Type), labels, adapterTCPPorts(server, adapter, e)...))
		if udp := adapterUDPPorts(adapter); len(udp) > 0 {
			services = append(services, e.service(server, AdapterUDPServiceName(server.Name, adapter.Type), labels, udp...))
		}
	}
	return services
}

// adapterTCPPorts are the adapter's own port, under the name and number that the DittoFS operator gave it, and the port
// where clients look. The own port stays with the portmapper most of all: it answers with that number, whatever the Service
// maps.
func adapterTCPPorts(server *v1alpha1.DittoServer, adapter Adapter, e exposure) []*corev1ac.ServicePortApplyConfiguration {
	own := servicePort("adapter-"+adapter.Type, corev1.ProtocolTCP, adapter.Port, adapter.Port)
	ports := []*corev1ac.ServicePortApplyConfiguration{own}
	taken := []int32{adapter.Port}

	clients := AdapterPort(server, adapter.Type)
	if clients == 0 || clients == adapter.Port {
		e.withNodePort(own)
	} else {
		ports = append(ports, e.withNodePort(servicePort(adapter.Type, corev1.ProtocolTCP, clients, adapter.Port)))
		taken = append(taken, clients)
	}
	// Two entries of one number and protocol are one entry to the API server.
	if adapter.PortmapperPort != 0 && !slices.Contains(taken, portmapPort) {
		ports = append(ports, servicePort("portmap", corev1.ProtocolTCP, portmapPort, adapter.PortmapperPort))
	}
	return ports
}

// adapterUDPPorts have no node port of the spec: that number belongs to the port that TCP clients use.
func adapterUDPPorts(adapter Adapter) []*corev1ac.ServicePortApplyConfiguration {
	var ports []*corev1ac.ServicePortApplyConfiguration
	if adapter.UDP {
		ports = append(ports, servicePort("adapter-"+adapter.Type+"-udp", corev1.ProtocolUDP, adapter.Port, adapter.Port))
	}
	if adapter.PortmapperPort != 0 && (!adapter.UDP || adapter.Port != portmapPort) {
		ports = append(ports, servicePort("portmap-udp", corev1.ProtocolUDP, portmapPort, adapter.PortmapperPort))
	}
	return ports
}

// adapterLabels mark an object of an adapter; mark is the label that says what kind it is of.
func adapterLabels(server *v1alpha1.DittoServer, mark, adapter string) map[string]string {
	return mergedMaps(allLabels(server), map[string]string{mark: labelTrue, labelAdapterType: adapter})
}
