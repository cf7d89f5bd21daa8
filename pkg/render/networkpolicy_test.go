// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func networkOf(cidr string) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr}}
}

func TestNetworkPolicies(t *testing.T) {
	metrics := &v1alpha1.MetricsSpec{Enabled: true}
	controllers := []networkingv1.NetworkPolicyPeer{controllerPeer()}
	const fromControllers = "pods app.kubernetes.io/name=dittofs-apiserver of kubernetes.io/metadata.name=dittofs-system"
	tests := []struct {
		name    string
		spec    v1alpha1.NetworkPolicySpec
		metrics *v1alpha1.MetricsSpec
		in      render.Inputs
		want    []string // POLICY: PORTS from SOURCES; ...
	}{
		{
			name: "without sources everybody reaches the API, the controllers too",
			in:   render.Inputs{ControllerPeers: controllers},
			want: []string{"files-baseline: 8080/TCP from everybody"},
		},
		{
			name: "sources of the API never shut the controllers out",
			spec: v1alpha1.NetworkPolicySpec{APISources: []networkingv1.NetworkPolicyPeer{networkOf("10.0.0.0/8")}},
			in:   render.Inputs{ControllerPeers: controllers},
			want: []string{"files-baseline: 8080/TCP from 10.0.0.0/8, " + fromControllers},
		},
		{
			name:    "metrics have a rule and sources of their own",
			spec:    v1alpha1.NetworkPolicySpec{MetricsSources: []networkingv1.NetworkPolicyPeer{networkOf("192.0.2.0/24")}},
			metrics: metrics,
			in:      render.Inputs{ControllerPeers: controllers},
			want:    []string{"files-baseline: 8080/TCP from everybody; 9090/TCP from 192.0.2.0/24"},
		},
		{
			name:    "metrics that are off are closed",
			metrics: &v1alpha1.MetricsSpec{},
			want:    []string{"files-baseline: 8080/TCP from everybody"},
		},
		{
			name: "adapters have sources of their own, and open ports of the pod, not of the Service",
			spec: v1alpha1.NetworkPolicySpec{AdapterSources: []networkingv1.NetworkPolicyPeer{networkOf("10.0.0.0/8")}},
			in: render.Inputs{ControllerPeers: controllers,
				Adapters: []render.Adapter{{Type: "nfs", Port: 12049, PortmapperPort: 10111, UDP: true}, ownSMB}},
			want: []string{
				"files-baseline: 8080/TCP from everybody",
				"files-adapter-nfs: 12049/TCP, 12049/UDP, 10111/TCP, 10111/UDP from 10.0.0.0/8",
				"files-adapter-smb: 1445/TCP from 10.0.0.0/8",
			},
		},
		{
			name: "an empty selector is a source, and not nobody or everybody",
			spec: v1alpha1.NetworkPolicySpec{AdapterSources: []networkingv1.NetworkPolicyPeer{
				{PodSelector: &metav1.LabelSelector{}}, {NamespaceSelector: &metav1.LabelSelector{}}}},
			in: render.Inputs{Adapters: []render.Adapter{ownSMB}},
			want: []string{
				"files-baseline: 8080/TCP from everybody",
				"files-adapter-smb: 1445/TCP from all pods of this namespace, all pods of all namespaces",
			},
		},
		{
			name: "switched off there is none",
			spec: v1alpha1.NetworkPolicySpec{Enabled: new(false), APISources: []networkingv1.NetworkPolicyPeer{networkOf("10.0.0.0/8")}},
			in:   render.Inputs{Adapters: []render.Adapter{ownSMB}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := plainServer(t)
			server.Spec.NetworkPolicy, server.Spec.Metrics = tt.spec, tt.metrics
			var got []string
			for _, object := range network(t, server, tt.in).NetworkPolicies {
				policy := &networkingv1.NetworkPolicy{}
				typed(t, object, policy)
				got = append(got, policy.Name+": "+describeRules(policy))
				if !slices.Equal(policy.Spec.PolicyTypes, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}) {
					t.Errorf("%s limits %v: what the pod may reach is not ours to say", policy.Name, policy.Spec.PolicyTypes)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func describeRules(policy *networkingv1.NetworkPolicy) string {
	var rules []string
	for _, rule := range policy.Spec.Ingress {
		var ports, sources []string
		for _, port := range rule.Ports {
			// A missing protocol is a default that the API adds to an atomic list.
			protocol := "no protocol"
			if port.Protocol != nil {
				protocol = string(*port.Protocol)
			}
			ports = append(ports, fmt.Sprintf("%s/%s", port.Port, protocol))
		}
		for _, peer := range rule.From {
			sources = append(sources, describePeer(peer))
		}
		if len(sources) == 0 {
			sources = []string{"everybody"}
		}
		rules = append(rules, strings.Join(ports, ", ")+" from "+strings.Join(sources, ", "))
	}
	return strings.Join(rules, "; ")
}

func describePeer(peer networkingv1.NetworkPolicyPeer) string {
	if peer.IPBlock != nil {
		return peer.IPBlock.CIDR
	}
	pods, namespaces := "all pods", "this namespace"
	if peer.PodSelector != nil && len(peer.PodSelector.MatchLabels) > 0 {
		pods = "pods " + metav1.FormatLabelSelector(peer.PodSelector)
	}
	if peer.NamespaceSelector != nil {
		namespaces = "all namespaces"
		if len(peer.NamespaceSelector.MatchLabels) > 0 {
			namespaces = metav1.FormatLabelSelector(peer.NamespaceSelector)
		}
	}
	return pods + " of " + namespaces
}
