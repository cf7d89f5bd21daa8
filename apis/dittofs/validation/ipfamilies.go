// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

var (
	familyPolicies = []corev1.IPFamilyPolicy{corev1.IPFamilyPolicySingleStack, corev1.IPFamilyPolicyPreferDualStack, corev1.IPFamilyPolicyRequireDualStack}
	dualPolicies   = familyPolicies[1:]
	ipFamilies     = []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol}
)

// validateFamilies checks one level of settings as it works together with the
// one above, whose values it inherits.
func validateFamilies(exposure, above *dittofsv1alpha1.ServiceExposure, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	policyPath, familiesPath := path.Child("ipFamilyPolicy"), path.Child("ipFamilies")
	if policy := exposure.IPFamilyPolicy; policy != nil && !slices.Contains(familyPolicies, *policy) {
		errs = append(errs, field.NotSupported(policyPath, *policy, familyPolicies))
	}
	for i, family := range exposure.IPFamilies[:min(len(exposure.IPFamilies), 2)] { // more are the tag's to refuse
		if !slices.Contains(ipFamilies, family) {
			errs = append(errs, field.NotSupported(familiesPath.Index(i), family, ipFamilies))
		}
		if slices.Contains(exposure.IPFamilies[:i], family) {
			errs = append(errs, field.Duplicate(familiesPath.Index(i), family))
		}
	}
	if exposure.IPFamilyPolicy == nil && len(exposure.IPFamilies) == 0 || len(errs) > 0 {
		return errs
	}
	policy, families := familiesOf(exposure, above)
	switch {
	case len(families) > 1 && policy == "":
		errs = append(errs, field.Required(policyPath, "PreferDualStack or RequireDualStack with two ipFamilies: left out, it is SingleStack to the cluster"))
	case len(families) > 1 && !slices.Contains(dualPolicies, policy):
		errs = append(errs, field.Invalid(policyPath, policy, "must be PreferDualStack or RequireDualStack with two ipFamilies"))
	case len(families) == 1 && policy == corev1.IPFamilyPolicyPreferDualStack:
		// With RequireDualStack the second one is known, and rendered.
		errs = append(errs, field.Invalid(familiesPath, families,
			"must have both families, or be left out, with PreferDualStack: where the cluster has both, it adds the other one, and refuses every later change that names one only"))
	}
	return errs
}

// familiesOf are the settings of a Service with those that it inherits.
func familiesOf(exposure, above *dittofsv1alpha1.ServiceExposure) (policy corev1.IPFamilyPolicy, families []corev1.IPFamily) {
	for _, level := range []*dittofsv1alpha1.ServiceExposure{exposure, above} {
		if level != nil && level.IPFamilyPolicy != nil && policy == "" {
			policy = *level.IPFamilyPolicy
		}
		if level != nil && len(families) == 0 {
			families = level.IPFamilies
		}
	}
	return policy, families
}

// validateFamilyChange has two rules of Services: the first family stays, and
// the second one goes only where SingleStack says so.
func validateFamilyChange(spec, old *dittofsv1alpha1.DittoServerSpec, path *field.Path) field.ErrorList {
	errs := familyChange(&spec.Service.ServiceExposure, nil, &old.Service.ServiceExposure, nil, path.Child("service"))
	services, oldServices := &spec.AdapterServices, &old.AdapterServices
	path = path.Child("adapterServices")
	for _, adapter := range []struct {
		name         string
		service, old *dittofsv1alpha1.AdapterServiceSpec
	}{{"nfs", services.NFS, oldServices.NFS}, {"smb", services.SMB, oldServices.SMB}} {
		exposure, at := exposureOf(adapter.service), path
		if exposure != nil && (len(exposure.IPFamilies) > 0 || exposure.IPFamilyPolicy != nil) {
			at = path.Child(adapter.name)
		}
		for _, err := range familyChange(exposure, &services.ServiceExposure, exposureOf(adapter.old), &oldServices.ServiceExposure, at) {
			said := func(other *field.Error) bool { return other.Field == err.Field } // for the other adapter
			if !slices.ContainsFunc(errs, said) {
				errs = append(errs, err)
			}
		}
	}
	return errs
}

func exposureOf(service *dittofsv1alpha1.AdapterServiceSpec) *dittofsv1alpha1.ServiceExposure {
	if service == nil {
		return nil
	}
	return &service.ServiceExposure
}

func familyChange(exposure, above, old, oldAbove *dittofsv1alpha1.ServiceExposure, path *field.Path) field.ErrorList {
	policy, families := familiesOf(exposure, above)
	oldPolicy, oldFamilies := familiesOf(old, oldAbove)
	switch {
	case len(families) > 0 && len(oldFamilies) > 0 && families[0] != oldFamilies[0]:
		return field.ErrorList{field.Invalid(path.Child("ipFamilies").Index(0), families[0], fmt.Sprintf(
			"cannot be changed, because a Service keeps its first family: leave ipFamilies out, delete the Service, then set it; it was %s", oldFamilies[0]))}
	case len(families) == 1 && policy == "" && (len(oldFamilies) > 1 || oldPolicy == corev1.IPFamilyPolicyRequireDualStack):
		return field.ErrorList{field.Required(path.Child("ipFamilyPolicy"), "SingleStack, to give up the second of ipFamilies: left out, the Service keeps both")}
	}
	return nil
}
