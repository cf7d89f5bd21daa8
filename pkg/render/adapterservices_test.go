// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func TestPortsOfAdapterServices(t *testing.T) {
	tests := []struct {
		name     string
		adapters []render.Adapter
		spec     v1alpha1.AdapterServicesSpec
		want     []string // SERVICE: NAME PORT/PROTOCOL->TARGET@NODEPORT, ...
	}{
		{name: "no adapter, no Service"},
		{
			name:     "clients find NFS where they look, and at its own port",
			adapters: []render.Adapter{ownNFS},
			want:     []string{"files-adapter-nfs: adapter-nfs 12049/TCP->12049, nfs 2049/TCP->12049"},
		},
		{
			name:     "an adapter that listens where clients look has one port",
			adapters: []render.Adapter{{Type: "nfs", Port: 2049}},
			want:     []string{"files-adapter-nfs: adapter-nfs 2049/TCP->2049"},
		},
		{
			name:     "the spec moves the port of clients",
			adapters: []render.Adapter{ownSMB},
			spec:     v1alpha1.AdapterServicesSpec{SMB: &v1alpha1.AdapterServiceSpec{Port: new(int32(4450))}},
			want:     []string{"files-adapter-smb: adapter-smb 1445/TCP->1445, smb 4450/TCP->1445"},
		},
		{
			name:     "the node port belongs to the port of clients",
			adapters: []render.Adapter{ownNFS},
			spec: v1alpha1.AdapterServicesSpec{Type: corev1.ServiceTypeNodePort,
				NFS: &v1alpha1.AdapterServiceSpec{NodePort: new(int32(32049))}},
			want: []string{"files-adapter-nfs: adapter-nfs 12049/TCP->12049, nfs 2049/TCP->12049@32049"},
		},
		{
			name:     "the node port belongs to the own port if clients use that",
			adapters: []render.Adapter{{Type: "nfs", Port: 2049}},
			spec:     v1alpha1.AdapterServicesSpec{NFS: &v1alpha1.AdapterServiceSpec{NodePort: new(int32(32049))}},
			want:     []string{"files-adapter-nfs: adapter-nfs 2049/TCP->2049@32049"},
		},
		{
			name:     "a ClusterIP has no node port",
			adapters: []render.Adapter{ownNFS},
			spec: v1alpha1.AdapterServicesSpec{Type: corev1.ServiceTypeClusterIP,
				NFS: &v1alpha1.AdapterServiceSpec{NodePort: new(int32(32049))}},
			want: []string{"files-adapter-nfs: adapter-nfs 12049/TCP->12049, nfs 2049/TCP->12049"},
		},
		{
			name:     "the portmapper is reached over TCP and UDP, and never without the port that it answers",
			adapters: []render.Adapter{{Type: "nfs", Port: 12049, PortmapperPort: 10111}},
			want: []string{
				"files-adapter-nfs: adapter-nfs 12049/TCP->12049, nfs 2049/TCP->12049, portmap 111/TCP->10111",
				"files-adapter-nfs-udp: portmap-udp 111/UDP->10111",
			},
		},
		{
			name:     "UDP has a Service of its own",
			adapters: []render.Adapter{{Type: "nfs", Port: 12049, UDP: true}},
			want: []string{
				"files-adapter-nfs: adapter-nfs 12049/TCP->12049, nfs 2049/TCP->12049",
				"files-adapter-nfs-udp: adapter-nfs-udp 12049/UDP->12049",
			},
		},
		{
			name:     "a port of clients at 111 leaves no room for the portmapper over TCP",
			adapters: []render.Adapter{{Type: "nfs", Port: 12049, PortmapperPort: 10111}},
			spec:     v1alpha1.AdapterServicesSpec{NFS: &v1alpha1.AdapterServiceSpec{Port: new(int32(111))}},
			want: []string{
				"files-adapter-nfs: adapter-nfs 12049/TCP->12049, nfs 111/TCP->12049",
				"files-adapter-nfs-udp: portmap-udp 111/UDP->10111",
			},
		},
		{
			name:     "an own port of 111 leaves no room for the portmapper at all",
			adapters: []render.Adapter{{Type: "nfs", Port: 111, PortmapperPort: 10111, UDP: true}},
			want: []string{
				"files-adapter-nfs: adapter-nfs 111/TCP->111, nfs 2049/TCP->111",
				"files-adapter-nfs-udp: adapter-nfs-udp 111/UDP->111",
			},
		},
		{
			name:     "only NFS has a portmapper and UDP",
			adapters: []render.Adapter{{Type: "smb", Port: 1445, PortmapperPort: 10111, UDP: true}},
			want:     []string{"files-adapter-smb: adapter-smb 1445/TCP->1445, smb 445/TCP->1445"},
		},
		{
			name:     "an adapter of a type that the spec does not know is reached at its own port",
			adapters: []render.Adapter{{Type: "webdav", Port: 8090}},
			want:     []string{"files-adapter-webdav: adapter-webdav 8090/TCP->8090"},
		},
		{
			name: "what dfs reports wrongly becomes nothing",
			adapters: []render.Adapter{{Type: "nfs-udp", Port: 12049}, {Type: "NFS", Port: 12049}, {Type: "", Port: 12049},
				{Type: "smb", Port: 70000}, {Type: "s3", Port: 0}, {Type: strings.Repeat("x", 60), Port: 12049},
				ownNFS, {Type: "nfs", Port: 12050}},
			want: []string{"files-adapter-nfs: adapter-nfs 12049/TCP->12049, nfs 2049/TCP->12049"},
		},
		{
			name:     "a port of the portmapper that is none is no portmapper",
			adapters: []render.Adapter{{Type: "nfs", Port: 12049, PortmapperPort: 70000}},
			want:     []string{"files-adapter-nfs: adapter-nfs 12049/TCP->12049, nfs 2049/TCP->12049"},
		},
		{
			name:     "the order in which dfs reports does not matter",
			adapters: []render.Adapter{ownSMB, ownNFS},
			want: []string{
				"files-adapter-nfs: adapter-nfs 12049/TCP->12049, nfs 2049/TCP->12049",
				"files-adapter-smb: adapter-smb 1445/TCP->1445, smb 445/TCP->1445",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := plainServer(t)
			server.Spec.AdapterServices = tt.spec
			services := adapterServices(t, server, tt.adapters...)
			var got []string
			for _, service := range services {
				got = append(got, service.Name+": "+describePorts(service.Spec.Ports))
				checkPortsDiffer(t, service)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// checkPortsDiffer checks what tells entries of the list apart: for an apply number and protocol, for the API the name.
func checkPortsDiffer(t *testing.T, service *corev1.Service) {
	t.Helper()
	seen := map[string]bool{}
	for _, port := range service.Spec.Ports {
		for _, key := range []string{port.Name, fmt.Sprintf("%d/%s", port.Port, port.Protocol)} {
			if seen[key] {
				t.Errorf("%s has %s twice", service.Name, key)
			}
			seen[key] = true
		}
	}
}

func describePorts(ports []corev1.ServicePort) string {
	var list []string
	for _, port := range ports {
		text := fmt.Sprintf("%s %d/%s->%s", port.Name, port.Port, port.Protocol, port.TargetPort.String())
		if port.NodePort != 0 {
			text += fmt.Sprintf("@%d", port.NodePort)
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

func plainServer(t *testing.T) *v1alpha1.DittoServer {
	t.Helper()
	server := &v1alpha1.DittoServer{}
	readYAML(t, "network/plain.in.yaml", server)
	return server
}

func adapterServices(t *testing.T, server *v1alpha1.DittoServer, adapters ...render.Adapter) []*corev1.Service {
	t.Helper()
	var services []*corev1.Service
	for _, object := range network(t, server, render.Inputs{Adapters: adapters}).AdapterServices {
		service := &corev1.Service{}
		typed(t, object, service)
		services = append(services, service)
	}
	return services
}

// typed turns an apply configuration into the object that it is for.
func typed(t *testing.T, object, into any) {
	t.Helper()
	content, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(content, into); err != nil {
		t.Fatal(err)
	}
}
