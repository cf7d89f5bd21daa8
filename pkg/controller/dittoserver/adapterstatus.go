// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// adapterStatuses is the list for the status. Without an answer from dfs it is what was last seen, and nothing runs of it
// without a pod.
func (v view) adapterStatuses() []dittofsv1alpha1.AdapterStatus {
	var out []dittofsv1alpha1.AdapterStatus
	if v.dfs != nil && v.dfs.AdaptersKnown {
		for _, a := range v.dfs.Adapters {
			status := dittofsv1alpha1.AdapterStatus{Type: a.Type, Enabled: a.Enabled, Running: a.Serving, Port: a.Port}
			if a.Enabled && !a.Serving {
				status.Message = a.Detail
			}
			out = append(out, v.reachable(status))
		}
		slices.SortFunc(out, func(a, b dittofsv1alpha1.AdapterStatus) int { return cmp.Compare(a.Type, b.Type) })
		return out
	}
	for _, a := range v.server.Status.Adapters {
		if v.stopped() || v.pod == nil {
			a.Running, a.Message = false, ""
		}
		out = append(out, v.reachable(a))
	}
	return out
}

// reachable adds where clients reach an adapter. What dfs says of one that does not serve comes before what its Service
// waits for.
func (v view) reachable(status dittofsv1alpha1.AdapterStatus) dittofsv1alpha1.AdapterStatus {
	status.Address, status.MountHint = "", ""
	service := v.adapterServices[status.Type]
	if service == nil || !status.Enabled {
		return status
	}
	port := clientPort(v.server, status, service)
	host, waits := v.serviceHost(service)
	if waits != "" {
		if status.Message == "" || status.Running {
			status.Message = waits
		}
		return status
	}
	if status.Running {
		status.Message = ""
	}
	status.Address = net.JoinHostPort(host, strconv.Itoa(int(port)))
	status.MountHint = render.MountHint(v.server, status.Type, host)
	return status
}

// clientPort is the port of the Service that clients use.
func clientPort(server *dittofsv1alpha1.DittoServer, status dittofsv1alpha1.AdapterStatus, service *corev1.Service) int32 {
	wanted := render.AdapterPort(server, status.Type)
	if slices.ContainsFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Port == wanted }) {
		return wanted
	}
	return status.Port
}

// serviceHost is the host by which a Service is reached, or what it waits for. The nodes behind a node port are not known
// here: within the cluster the name leads there.
func (v view) serviceHost(service *corev1.Service) (host, waits string) {
	if service.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return fmt.Sprintf("%s.%s.svc", service.Name, service.Namespace), ""
	}
	if host := balancerHost(service); host != "" {
		return host, ""
	}
	return "", v.balancerText(service)
}

// balancerHost is the address of a load balancer, empty while there is none.
func balancerHost(service *corev1.Service) string {
	for _, entry := range service.Status.LoadBalancer.Ingress {
		if entry.Hostname != "" {
			return entry.Hostname
		}
		if entry.IP != "" {
			return entry.IP
		}
	}
	return ""
}
