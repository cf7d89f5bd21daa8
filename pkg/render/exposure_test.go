// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// everyExposure has a value in each field.
func everyExposure() v1alpha1.ServiceExposure {
	return v1alpha1.ServiceExposure{
		Annotations:              map[string]string{"example.com/a": "base", "example.com/b": "base"},
		Labels:                   map[string]string{"team": "a"},
		LoadBalancerClass:        new("example.com/internal"),
		LoadBalancerSourceRanges: []string{"10.0.0.0/8"},
		ExternalTrafficPolicy:    corev1.ServiceExternalTrafficPolicyLocal,
		IPFamilyPolicy:           new(corev1.IPFamilyPolicySingleStack),
		IPFamilies:               []corev1.IPFamily{corev1.IPv4Protocol},
	}
}

func TestExposureOfTheAPIService(t *testing.T) {
	tests := []struct {
		name string
		spec v1alpha1.ServiceSpec
		want corev1.ServiceSpec // without selector, and of the ports the node port only
	}{
		{
			name: "nothing is said that the spec does not say",
			want: corev1.ServiceSpec{Type: corev1.ServiceTypeClusterIP, Ports: []corev1.ServicePort{{}}},
		},
		{
			name: "a load balancer has everything",
			spec: v1alpha1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, NodePort: new(int32(30080)), ServiceExposure: everyExposure()},
			want: corev1.ServiceSpec{
				Type:                     corev1.ServiceTypeLoadBalancer,
				Ports:                    []corev1.ServicePort{{NodePort: 30080}},
				LoadBalancerClass:        new("example.com/internal"),
				LoadBalancerSourceRanges: []string{"10.0.0.0/8"},
				ExternalTrafficPolicy:    corev1.ServiceExternalTrafficPolicyLocal,
				IPFamilyPolicy:           new(corev1.IPFamilyPolicySingleStack),
				IPFamilies:               []corev1.IPFamily{corev1.IPv4Protocol},
			},
		},
		{
			name: "a NodePort has nothing of a load balancer",
			spec: v1alpha1.ServiceSpec{Type: corev1.ServiceTypeNodePort, NodePort: new(int32(30080)), ServiceExposure: everyExposure()},
			want: corev1.ServiceSpec{
				Type:                  corev1.ServiceTypeNodePort,
				Ports:                 []corev1.ServicePort{{NodePort: 30080}},
				ExternalTrafficPolicy: corev1.ServiceExternalTrafficPolicyLocal,
				IPFamilyPolicy:        new(corev1.IPFamilyPolicySingleStack),
				IPFamilies:            []corev1.IPFamily{corev1.IPv4Protocol},
			},
		},
		{
			name: "a ClusterIP has nothing of the outside",
			spec: v1alpha1.ServiceSpec{NodePort: new(int32(30080)), ServiceExposure: everyExposure()},
			want: corev1.ServiceSpec{
				Type:           corev1.ServiceTypeClusterIP,
				Ports:          []corev1.ServicePort{{}},
				IPFamilyPolicy: new(corev1.IPFamilyPolicySingleStack),
				IPFamilies:     []corev1.IPFamily{corev1.IPv4Protocol},
			},
		},
		{
			name: "RequireDualStack names the second family too",
			spec: v1alpha1.ServiceSpec{ServiceExposure: v1alpha1.ServiceExposure{
				IPFamilyPolicy: new(corev1.IPFamilyPolicyRequireDualStack), IPFamilies: []corev1.IPFamily{corev1.IPv4Protocol}}},
			want: corev1.ServiceSpec{
				Type:           corev1.ServiceTypeClusterIP,
				Ports:          []corev1.ServicePort{{}},
				IPFamilyPolicy: new(corev1.IPFamilyPolicyRequireDualStack),
				IPFamilies:     []corev1.IPFamily{corev1.IPv4Protocol, corev1.IPv6Protocol},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := plainServer(t)
			server.Spec.Service = tt.spec
			service := &corev1.Service{}
			typed(t, all(t, server, render.Inputs{ConfigHash: "0"}).APIService, service)
			service.Spec.Selector = nil
			service.Spec.Ports = []corev1.ServicePort{{NodePort: service.Spec.Ports[0].NodePort}}
			if diff := cmp.Diff(tt.want, service.Spec); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestLabelsOfTheUserNeverCoverOurs(t *testing.T) {
	server := plainServer(t)
	server.Spec.Service.Labels = map[string]string{"team": "a", v1alpha1.LabelServer: "other", v1alpha1.LabelApp: "other"}
	service := all(t, server, render.Inputs{ConfigHash: "0"}).APIService
	for label, want := range map[string]string{"team": "a", v1alpha1.LabelServer: "files", v1alpha1.LabelApp: v1alpha1.AppName} {
		if got := service.Labels[label]; got != want {
			t.Errorf("label %s is %q, want %q", label, got, want)
		}
	}
}

func TestAnAdapterOverridesWhatIsSetForAll(t *testing.T) {
	server := plainServer(t)
	server.Spec.AdapterServices = v1alpha1.AdapterServicesSpec{
		Type:            corev1.ServiceTypeLoadBalancer,
		ServiceExposure: everyExposure(),
		NFS: &v1alpha1.AdapterServiceSpec{ServiceExposure: v1alpha1.ServiceExposure{
			Annotations:              map[string]string{"example.com/b": "nfs", "example.com/c": "nfs"},
			Labels:                   map[string]string{"team": "nfs"},
			LoadBalancerClass:        new("example.com/public"),
			LoadBalancerSourceRanges: []string{"192.0.2.0/24"},
			ExternalTrafficPolicy:    corev1.ServiceExternalTrafficPolicyCluster,
			IPFamilyPolicy:           new(corev1.IPFamilyPolicyPreferDualStack),
			IPFamilies:               []corev1.IPFamily{corev1.IPv6Protocol, corev1.IPv4Protocol},
		}},
		SMB: &v1alpha1.AdapterServiceSpec{Type: corev1.ServiceTypeNodePort},
	}
	services := adapterServices(t, server, ownNFS, ownSMB)
	nfs, smb := services[0], services[1]

	want := map[string]string{"example.com/a": "base", "example.com/b": "nfs", "example.com/c": "nfs"}
	if diff := cmp.Diff(want, nfs.Annotations); diff != "" {
		t.Errorf("annotations of NFS, -want +got:\n%s", diff)
	}
	if nfs.Labels["team"] != "nfs" || smb.Labels["team"] != "a" {
		t.Errorf("labels: nfs %v, smb %v", nfs.Labels, smb.Labels)
	}
	if *nfs.Spec.LoadBalancerClass != "example.com/public" || nfs.Spec.LoadBalancerSourceRanges[0] != "192.0.2.0/24" ||
		nfs.Spec.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyCluster ||
		*nfs.Spec.IPFamilyPolicy != corev1.IPFamilyPolicyPreferDualStack || nfs.Spec.IPFamilies[0] != corev1.IPv6Protocol {
		t.Errorf("NFS is not as overridden: %+v", nfs.Spec)
	}
	if smb.Spec.Type != corev1.ServiceTypeNodePort || smb.Spec.LoadBalancerClass != nil ||
		smb.Spec.ExternalTrafficPolicy != corev1.ServiceExternalTrafficPolicyLocal {
		t.Errorf("SMB is not a NodePort with the rest of what is set for all: %+v", smb.Spec)
	}
	if diff := cmp.Diff(map[string]string{"example.com/a": "base", "example.com/b": "base"}, server.Spec.AdapterServices.Annotations); diff != "" {
		t.Errorf("the override changed the spec:\n%s", diff)
	}
}
