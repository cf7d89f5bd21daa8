// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

var (
	ownNFS = render.Adapter{Type: "nfs", Port: 12049}
	ownSMB = render.Adapter{Type: "smb", Port: 1445}
)

// networked are the cases with a golden manifest: testdata/network/NAME.in.yaml and NAME.out.yaml.
var networked = []struct {
	name     string // what the manifest shows
	file     string
	adapters []render.Adapter
	peers    []networkingv1.NetworkPolicyPeer
}{
	{name: "a plain server has the baseline policy, and for each adapter a Service and a policy", file: "plain",
		adapters: []render.Adapter{ownSMB, ownNFS},
		peers:    []networkingv1.NetworkPolicyPeer{controllerPeer()}},
	{name: "every field about the network arrives in an object", file: "full",
		adapters: []render.Adapter{{Type: "nfs", Port: 12049, PortmapperPort: 10111, UDP: true}, ownSMB},
		peers:    []networkingv1.NetworkPolicyPeer{controllerPeer()}},
}

func TestGoldenNetwork(t *testing.T) {
	for _, tc := range networked {
		t.Run(tc.name, func(t *testing.T) {
			server := &v1alpha1.DittoServer{}
			readYAML(t, "network/"+tc.file+".in.yaml", server)
			objects := network(t, server, render.Inputs{Adapters: tc.adapters, ControllerPeers: tc.peers})
			compareGolden(t, "network/"+tc.file, documents(t, inOrder(objects)...))
		})
	}
}

func controllerPeer() networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "dittofs-system"}},
		PodSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/name": "dittofs-apiserver"}},
	}
}

func network(t *testing.T, server *v1alpha1.DittoServer, in render.Inputs) *render.NetworkObjects {
	t.Helper()
	objects, err := render.Network(server, in)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// inOrder are the objects that are wanted.
func inOrder(objects *render.NetworkObjects) []any {
	var list []any
	if objects.MetricsService != nil {
		list = append(list, objects.MetricsService)
	}
	if objects.ServiceMonitor != nil {
		list = append(list, objects.ServiceMonitor)
	}
	if objects.Ingress != nil {
		list = append(list, objects.Ingress)
	}
	for _, service := range objects.AdapterServices {
		list = append(list, service)
	}
	for _, policy := range objects.NetworkPolicies {
		list = append(list, policy)
	}
	return list
}

// documents are objects as a user would apply them.
func documents(t *testing.T, objects ...any) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, object := range objects {
		document, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		if out.Len() > 0 {
			out.WriteString("---\n")
		}
		out.Write(document)
	}
	return out.Bytes()
}

func compareGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	golden := filepath.Join("testdata", file+".out.yaml")
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); review it, then run go test ./pkg/render -update:\n%s", golden, diff)
	}
}

func TestWhatTheSpecDoesNotAskForIsNotRendered(t *testing.T) {
	tests := []struct {
		name    string
		metrics *v1alpha1.MetricsSpec
		want    int
	}{
		{"no metrics", nil, 0},
		{"metrics that are off have no ServiceMonitor", &v1alpha1.MetricsSpec{ServiceMonitor: &v1alpha1.ServiceMonitorSpec{Enabled: true}}, 0},
		{"a ServiceMonitor that is off", &v1alpha1.MetricsSpec{Enabled: true, ServiceMonitor: &v1alpha1.ServiceMonitorSpec{}}, 1},
		{"a ServiceMonitor that is on", &v1alpha1.MetricsSpec{Enabled: true, ServiceMonitor: &v1alpha1.ServiceMonitorSpec{Enabled: true}}, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := plainServer(t)
			server.Spec.NetworkPolicy.Enabled = new(false)
			server.Spec.Metrics = tt.metrics
			if objects := inOrder(network(t, server, render.Inputs{})); len(objects) != tt.want {
				t.Errorf("want %d, got %s", tt.want, documents(t, objects...))
			}
		})
	}
}

func TestNetworkDoesNotChangeWhatItIsGiven(t *testing.T) {
	server := &v1alpha1.DittoServer{}
	readYAML(t, "network/full.in.yaml", server)
	in := render.Inputs{Adapters: []render.Adapter{ownSMB, ownNFS}, ControllerPeers: []networkingv1.NetworkPolicyPeer{controllerPeer()}}
	serverBefore, adaptersBefore := server.DeepCopy(), []render.Adapter{ownSMB, ownNFS}
	network(t, server, in)
	if diff := cmp.Diff(serverBefore, server); diff != "" {
		t.Errorf("the server changed:\n%s", diff)
	}
	if diff := cmp.Diff(adaptersBefore, in.Adapters); diff != "" {
		t.Errorf("the adapters changed:\n%s", diff)
	}
}

func TestAPIURL(t *testing.T) {
	server := &v1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Name: "files", Namespace: "team-a"}}
	if got := render.APIURL(server); got != "http://files-api.team-a.svc:8080" {
		t.Errorf("without a certificate: %s", got)
	}
	server.Spec.ControlPlane.Port = new(int32(8443))
	server.Spec.ControlPlane.CertSecretName = "files-tls"
	if got := render.APIURL(server); got != "https://files-api.team-a.svc:8443" {
		t.Errorf("with a certificate: %s", got)
	}
}

func TestMountHint(t *testing.T) {
	server := &v1alpha1.DittoServer{}
	server.Spec.AdapterServices.SMB = &v1alpha1.AdapterServiceSpec{Port: new(int32(4450))}
	tests := []struct {
		name, adapter, host, want string
	}{
		{"NFS is where clients look", "nfs", "192.0.2.7", "mount -t nfs -o vers=4,port=2049 192.0.2.7:/SHARE /mnt"},
		{"an IPv6 address is set apart from the path", "nfs", "2001:db8::7", "mount -t nfs -o vers=4,port=2049 [2001:db8::7]:/SHARE /mnt"},
		{"SMB is at the port of the spec", "smb", "files.example.com", "mount -t cifs -o port=4450,username=USER //files.example.com/SHARE /mnt"},
		{"an unknown adapter has no hint", "webdav", "192.0.2.7", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := render.MountHint(server, tt.adapter, tt.host); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
