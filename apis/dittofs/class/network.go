// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package class

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// service is a Service as it is made: what an adapter leaves out it has from
// what all adapters share.
type service struct {
	path     *field.Path
	kind     corev1.ServiceType
	kindPath *field.Path
	ranges   []string
	// rangesPath is where the ranges are, or should be.
	rangesPath *field.Path
	class      *string
	classPath  *field.Path
}

func servicesOf(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) []service {
	made := func(path *field.Path, kind corev1.ServiceType, exposure *dittofsv1alpha1.ServiceExposure) service {
		return service{
			path: path, kind: kind, kindPath: path.Child("type"),
			ranges: exposure.LoadBalancerSourceRanges, rangesPath: path.Child("loadBalancerSourceRanges"),
			class: exposure.LoadBalancerClass, classPath: path.Child("loadBalancerClass"),
		}
	}
	services := []service{made(path.Child("service"), spec.Service.Type, &spec.Service.ServiceExposure)}
	shared := &spec.AdapterServices
	path = path.Child("adapterServices")
	for _, adapter := range []struct {
		name string
		own  *dittofsv1alpha1.AdapterServiceSpec
	}{{"nfs", shared.NFS}, {"smb", shared.SMB}} {
		s := made(path, shared.Type, &shared.ServiceExposure)
		if own := adapter.own; own != nil {
			at := made(path.Child(adapter.name), own.Type, &own.ServiceExposure)
			if own.Type != "" {
				s.kind, s.kindPath = at.kind, at.kindPath
			}
			if len(at.ranges) > 0 {
				s.ranges, s.rangesPath = at.ranges, at.rangesPath
			}
			if at.class != nil {
				s.class, s.classPath = at.class, at.classPath
			}
		}
		services = append(services, s)
	}
	return services
}

func (f *finder) services(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) {
	limits := &f.limits.Services
	said := map[string]bool{}
	once := func(path *field.Path) bool {
		first := !said[path.String()]
		said[path.String()] = true
		return first
	}
	for _, s := range servicesOf(spec, path) {
		if once(s.kindPath) {
			f.value(limits.Types, s.kindPath, string(s.kind))
		}
		if s.kind != corev1.ServiceTypeLoadBalancer {
			continue
		}
		if once(s.rangesPath) {
			f.ranges(s)
		}
		if s.class != nil && once(s.classPath) {
			f.value(limits.LoadBalancerClasses, s.classPath, *s.class)
		}
	}
	f.exposures(spec, path)
}

// ranges of a load balancer. None at all let everybody in.
func (f *finder) ranges(s service) {
	limits := &f.limits.Services
	if len(s.ranges) == 0 && (limits.SourceRangesRequired || limits.SourceRanges != nil) {
		f.add(s.rangesPath, "left out", "wants the networks to be named that a load balancer serves%s", lying(limits.SourceRanges))
		return
	}
	for i, cidr := range s.ranges {
		switch {
		case limits.SourceRanges != nil && !within(limits.SourceRanges.Allowed, cidr):
			f.add(s.rangesPath.Index(i), cidr, "allows networks within %s", list(limits.SourceRanges.Allowed))
		case limits.SourceRangesRequired && everybody(cidr):
			f.add(s.rangesPath.Index(i), cidr, "wants a load balancer to serve less than everybody")
		}
	}
}

func lying(networks *dittofsv1alpha1.AllowedNetworks) string {
	if networks == nil {
		return ""
	}
	return ", within " + list(networks.Allowed)
}

// exposures checks what is set in each of the four places.
func (f *finder) exposures(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) {
	limits := &f.limits.Services
	check := func(path *field.Path, exposure *dittofsv1alpha1.ServiceExposure, nodePort *int32) {
		f.keys(limits.Annotations, path.Child("annotations"), exposure.Annotations)
		f.keys(limits.Labels, path.Child("labels"), exposure.Labels)
		if nodePort != nil && limits.NodePorts == dittofsv1alpha1.PermissionForbidden {
			f.add(path.Child("nodePort"), *nodePort, "leaves the port to the cluster; take it away")
		}
	}
	check(path.Child("service"), &spec.Service.ServiceExposure, spec.Service.NodePort)
	adapters := path.Child("adapterServices")
	check(adapters, &spec.AdapterServices.ServiceExposure, nil)
	if nfs := spec.AdapterServices.NFS; nfs != nil {
		check(adapters.Child("nfs"), &nfs.ServiceExposure, nfs.NodePort)
	}
	if smb := spec.AdapterServices.SMB; smb != nil {
		check(adapters.Child("smb"), &smb.ServiceExposure, smb.NodePort)
	}
}

func (f *finder) ingress(ingress *dittofsv1alpha1.IngressSpec, path *field.Path) {
	if ingress == nil {
		return
	}
	limits := &f.limits.Ingress
	f.value(limits.Hosts, path.Child("host"), ingress.Host)
	if ingress.ClassName != nil {
		f.value(limits.Classes, path.Child("className"), *ingress.ClassName)
	} else if limits.Classes != nil {
		f.add(path.Child("className"), "left out", "wants one of %s to be named", list(limits.Classes.Allowed))
	}
	f.keys(limits.Annotations, path.Child("annotations"), ingress.Annotations)
}

// networkPolicy: networks say who may be let in, and no source at all lets everybody in.
func (f *finder) networkPolicy(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) {
	limits, policy := &f.limits.NetworkPolicy, &spec.NetworkPolicy
	if (limits.Required || limits.SourcesRequired || limits.Networks != nil) && !ptr.Deref(policy.Enabled, true) {
		f.add(path.Child("enabled"), false, "wants NetworkPolicies")
	}
	f.sources(path.Child("apiSources"), policy.APISources, true)
	f.sources(path.Child("adapterSources"), policy.AdapterSources, true)
	f.sources(path.Child("metricsSources"), policy.MetricsSources, spec.Metrics != nil && spec.Metrics.Enabled)
}

func (f *finder) sources(path *field.Path, peers []networkingv1.NetworkPolicyPeer, used bool) {
	limits := &f.limits.NetworkPolicy
	if used && len(peers) == 0 && (limits.SourcesRequired || limits.Networks != nil) {
		f.add(path, "left out", "wants those to be named who may reach it%s", lying(limits.Networks))
	}
	for i, peer := range peers {
		if block := peer.IPBlock; block != nil && limits.Networks != nil && !within(limits.Networks.Allowed, block.CIDR) {
			f.add(path.Index(i).Child("ipBlock", "cidr"), block.CIDR, "allows networks within %s", list(limits.Networks.Allowed))
		}
		if peer.NamespaceSelector != nil && limits.OtherNamespaces == dittofsv1alpha1.PermissionForbidden {
			f.add(path.Index(i).Child("namespaceSelector"), text(peer.NamespaceSelector), "allows no pods of other namespaces")
		}
	}
}
