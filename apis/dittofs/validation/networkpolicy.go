// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"net/netip"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func validateNetworkPolicy(policy *dittofsv1alpha1.NetworkPolicySpec, path *field.Path) field.ErrorList {
	errs := validatePeers(policy.APISources, path.Child("apiSources"))
	errs = append(errs, validatePeers(policy.AdapterSources, path.Child("adapterSources"))...)
	return append(errs, validatePeers(policy.MetricsSources, path.Child("metricsSources"))...)
}

// validatePeers has the rules of a NetworkPolicy. An empty peer in particular
// would be refused there, and the pod would stay open.
func validatePeers(peers []networkingv1.NetworkPolicyPeer, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i := range peers {
		peer, at := &peers[i], path.Index(i)
		if peer.IPBlock == nil && peer.PodSelector == nil && peer.NamespaceSelector == nil {
			errs = append(errs, field.Required(at, "must have an ipBlock, or a podSelector, a namespaceSelector or both"))
		}
		if peer.IPBlock != nil && (peer.PodSelector != nil || peer.NamespaceSelector != nil) {
			errs = append(errs, field.Forbidden(at, "an ipBlock stands alone; give selectors as a source of their own"))
		}
		errs = append(errs, validateSelector(peer.PodSelector, at.Child("podSelector"))...)
		errs = append(errs, validateSelector(peer.NamespaceSelector, at.Child("namespaceSelector"))...)
		if peer.IPBlock != nil {
			errs = append(errs, validateIPBlock(peer.IPBlock, at.Child("ipBlock"))...)
		}
	}
	return errs
}

func validateSelector(selector *metav1.LabelSelector, path *field.Path) field.ErrorList {
	return metav1validation.ValidateLabelSelector(selector, metav1validation.LabelSelectorValidationOptions{}, path)
}

func validateIPBlock(block *networkingv1.IPBlock, path *field.Path) field.ErrorList {
	if block.CIDR == "" {
		return field.ErrorList{field.Required(path.Child("cidr"), "for example 10.0.0.0/8")}
	}
	errs := utilvalidation.IsValidCIDR(path.Child("cidr"), block.CIDR)
	outer, outerErr := netip.ParsePrefix(block.CIDR)
	for i, except := range block.Except {
		exceptPath := path.Child("except").Index(i)
		invalid := utilvalidation.IsValidCIDR(exceptPath, except)
		errs = append(errs, invalid...)
		inner, err := netip.ParsePrefix(except)
		if err != nil || outerErr != nil || len(invalid) > 0 {
			continue
		}
		if !outer.Contains(inner.Addr()) || inner.Bits() <= outer.Bits() {
			errs = append(errs, field.Invalid(exceptPath, except, "must be a smaller network within "+block.CIDR))
		}
	}
	return errs
}
