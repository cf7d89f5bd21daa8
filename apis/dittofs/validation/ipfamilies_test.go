// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Changes of address families that are about more than one Service, or one field, are
// here; the others are rows of the table.
func TestChangesOfAddressFamilies(t *testing.T) {
	const (
		single, prefer, require = corev1.IPFamilyPolicySingleStack, corev1.IPFamilyPolicyPreferDualStack, corev1.IPFamilyPolicyRequireDualStack
		v4, v6                  = corev1.IPv4Protocol, corev1.IPv6Protocol
	)
	families := func(policy corev1.IPFamilyPolicy, list ...corev1.IPFamily) dittofsv1alpha1.ServiceExposure {
		exposure := dittofsv1alpha1.ServiceExposure{IPFamilies: list}
		if policy != "" {
			exposure.IPFamilyPolicy = ptr.To(policy)
		}
		return exposure
	}
	service := func(exposure dittofsv1alpha1.ServiceExposure) edit {
		return func(s *dittofsv1alpha1.DittoServer) { s.Spec.Service.ServiceExposure = exposure }
	}
	both := func(exposure dittofsv1alpha1.ServiceExposure) edit {
		return func(s *dittofsv1alpha1.DittoServer) { s.Spec.AdapterServices.ServiceExposure = exposure }
	}
	nfs := func(exposure dittofsv1alpha1.ServiceExposure) edit {
		return func(s *dittofsv1alpha1.DittoServer) {
			s.Spec.AdapterServices.NFS = &dittofsv1alpha1.AdapterServiceSpec{ServiceExposure: exposure}
		}
	}
	for name, c := range map[string]struct {
		old, edit edit
		want      []string
	}{
		"the first family for the first time":    {old: service(families("")), edit: service(families("", v6))},
		"a second family":                        {old: service(families("", v6)), edit: service(families(prefer, v6, v4))},
		"none any more":                          {old: service(families(require, v6, v4)), edit: service(families(""))},
		"one is enough with RequireDualStack":    {old: service(families(require, v6, v4)), edit: service(families(require, v6))},
		"the second one given up":                {old: service(families(require, v6, v4)), edit: service(families(single, v6))},
		"the second one given up without a word": {old: service(families(require, v6, v4)), edit: service(families("", v6)), want: []string{"spec.service.ipFamilyPolicy: SingleStack, to give up"}},
		"one that RequireDualStack implied":      {old: service(families(require, v6)), edit: service(families("", v6)), want: []string{"spec.service.ipFamilyPolicy: SingleStack, to give up"}},
		"another first one for both adapters":    {old: both(families("", v4)), edit: both(families("", v6)), want: []string{"spec.adapterServices.ipFamilies[0]: it was IPv4"}},
		"another first one than is inherited":    {old: both(families("", v4)), edit: nfs(families("", v6)), want: []string{"spec.adapterServices.nfs.ipFamilies[0]: it was IPv4"}},
		"the one that was inherited, of its own": {old: both(families("", v4)), edit: func(s *dittofsv1alpha1.DittoServer) { both(families(""))(s); nfs(families("", v4))(s) }},
		"its own no more, and another inherited": {
			old:  func(s *dittofsv1alpha1.DittoServer) { both(families("", v4))(s); nfs(families("", v6))(s) },
			edit: func(s *dittofsv1alpha1.DittoServer) { s.Spec.AdapterServices.NFS = nil },
			want: []string{"spec.adapterServices.ipFamilies[0]: it was IPv6"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			old := valid(t, c.old)
			changed := old.DeepCopy()
			c.edit(changed)
			check(t, ValidateDittoServerUpdate(changed, old), c.want...)
		})
	}
}
