// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	networkingv1ac "k8s.io/client-go/applyconfigurations/networking/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// labelBaselinePolicy marks the NetworkPolicy of the REST API and the metrics, as the DittoFS operator marks it.
const labelBaselinePolicy = "dittofs.io/baseline-networkpolicy"

// networkPolicies close every port of the pod but those that serve, and those to everybody but the sources of the spec.
// There are none when the spec switches them off: then nothing is limited by us.
func networkPolicies(server *v1alpha1.DittoServer, in Inputs, adapters []Adapter) ([]*networkingv1ac.NetworkPolicyApplyConfiguration, error) {
	spec := server.Spec.NetworkPolicy
	if !*spec.Enabled {
		return nil, nil
	}
	baseline, err := baselinePolicy(server, in)
	if err != nil {
		return nil, err
	}
	policies := []*networkingv1ac.NetworkPolicyApplyConfiguration{baseline}
	for _, adapter := range adapters {
		from, err := peers(spec.AdapterSources)
		if err != nil {
			return nil, fmt.Errorf("spec.networkPolicy.adapterSources: %w", err)
		}
		policies = append(policies, policy(server, AdapterName(server.Name, adapter.Type),
			adapterLabels(server, labelAdapterPolicy, adapter.Type), ingressRule(from, adapterPolicyPorts(adapter)...)))
	}
	return policies, nil
}

func baselinePolicy(server *v1alpha1.DittoServer, in Inputs) (*networkingv1ac.NetworkPolicyApplyConfiguration, error) {
	spec := server.Spec.NetworkPolicy
	sources := spec.APISources
	if len(sources) > 0 {
		// Adding the controllers to an empty list would shut everybody else out.
		sources = slices.Concat(sources, in.ControllerPeers)
	}
	from, err := peers(sources)
	if err != nil {
		return nil, fmt.Errorf("spec.networkPolicy.apiSources: %w", err)
	}
	rules := []*networkingv1ac.NetworkPolicyIngressRuleApplyConfiguration{
		ingressRule(from, policyPort(corev1.ProtocolTCP, *server.Spec.ControlPlane.Port)),
	}
	if metrics := enabledMetrics(server); metrics != nil {
		from, err := peers(spec.MetricsSources)
		if err != nil {
			return nil, fmt.Errorf("spec.networkPolicy.metricsSources: %w", err)
		}
		rules = append(rules, ingressRule(from, policyPort(corev1.ProtocolTCP, *metrics.Port)))
	}
	labels := mergedMaps(allLabels(server), map[string]string{labelBaselinePolicy: labelTrue})
	return policy(server, BaselinePolicyName(server.Name), labels, rules...), nil
}

// policy limits what may come in. What the pod may reach is not ours to know: stores, directories and databases are in dfs.
func policy(server *v1alpha1.DittoServer, name string, labels map[string]string, rules ...*networkingv1ac.NetworkPolicyIngressRuleApplyConfiguration) *networkingv1ac.NetworkPolicyApplyConfiguration {
	return networkingv1ac.NetworkPolicy(name, server.Namespace).
		WithLabels(labels).
		WithSpec(networkingv1ac.NetworkPolicySpec().
			WithPodSelector(metav1ac.LabelSelector().WithMatchLabels(SelectorLabels(server.Name))).
			WithPolicyTypes(networkingv1.PolicyTypeIngress).
			WithIngress(rules...))
}

func ingressRule(from []*networkingv1ac.NetworkPolicyPeerApplyConfiguration, ports ...*networkingv1ac.NetworkPolicyPortApplyConfiguration) *networkingv1ac.NetworkPolicyIngressRuleApplyConfiguration {
	return networkingv1ac.NetworkPolicyIngressRule().WithPorts(ports...).WithFrom(from...)
}

// adapterPolicyPorts are ports of the pod: a policy sees a packet after the Service has mapped it.
func adapterPolicyPorts(adapter Adapter) []*networkingv1ac.NetworkPolicyPortApplyConfiguration {
	ports := []*networkingv1ac.NetworkPolicyPortApplyConfiguration{policyPort(corev1.ProtocolTCP, adapter.Port)}
	if adapter.UDP {
		ports = append(ports, policyPort(corev1.ProtocolUDP, adapter.Port))
	}
	if adapter.PortmapperPort != 0 {
		ports = append(ports, policyPort(corev1.ProtocolTCP, adapter.PortmapperPort), policyPort(corev1.ProtocolUDP, adapter.PortmapperPort))
	}
	return ports
}

// policyPort writes the protocol out: the list is atomic, and comes back with it.
func policyPort(protocol corev1.Protocol, port int32) *networkingv1ac.NetworkPolicyPortApplyConfiguration {
	return networkingv1ac.NetworkPolicyPort().WithProtocol(protocol).WithPort(intstr.FromInt32(port))
}

// peers go the way that Extract goes, so that both arrive at the same value.
func peers(sources []networkingv1.NetworkPolicyPeer) ([]*networkingv1ac.NetworkPolicyPeerApplyConfiguration, error) {
	var list []*networkingv1ac.NetworkPolicyPeerApplyConfiguration
	for i := range sources {
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&sources[i])
		if err != nil {
			return nil, fmt.Errorf("peer %d: %w", i, err)
		}
		peer := networkingv1ac.NetworkPolicyPeer()
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(content, peer); err != nil {
			return nil, fmt.Errorf("peer %d: %w", i, err)
		}
		list = append(list, peer)
	}
	return list, nil
}
