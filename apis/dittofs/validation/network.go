// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

var (
	pollingIntervals = durationRange{min: 5 * time.Second, max: time.Hour, example: "30s"}

	serviceTypes    = []corev1.ServiceType{corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort, corev1.ServiceTypeLoadBalancer}
	trafficPolicies = []corev1.ServiceExternalTrafficPolicy{corev1.ServiceExternalTrafficPolicyCluster, corev1.ServiceExternalTrafficPolicyLocal}
	portmapperPort  = int32(111)
)

func validateNetwork(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) field.ErrorList {
	errs := pollingIntervals.check(spec.AdapterDiscovery.PollingInterval, path.Child("adapterDiscovery", "pollingInterval"))
	errs = append(errs, validateService(&spec.Service, path.Child("service"))...)
	errs = append(errs, validateAdapterServices(&spec.AdapterServices, path.Child("adapterServices"))...)
	errs = append(errs, validateNodePorts(spec, path)...)
	return append(errs, validateNetworkPolicy(&spec.NetworkPolicy, path.Child("networkPolicy"))...)
}

func validateService(service *dittofsv1alpha1.ServiceSpec, path *field.Path) field.ErrorList {
	errs := validateServiceType(service.Type, path.Child("type"))
	errs = append(errs, validateNodePort(service.NodePort, service.Type, path.Child("nodePort"))...)
	errs = append(errs, validateExposure(&service.ServiceExposure, []corev1.ServiceType{service.Type}, path)...)
	return append(errs, validateFamilies(&service.ServiceExposure, nil, path)...)
}

// validateAdapterServices judges what is set for both adapters by the types
// that their Services really get: it must be of use to at least one of them.
func validateAdapterServices(services *dittofsv1alpha1.AdapterServicesSpec, path *field.Path) field.ErrorList {
	errs := validateServiceType(services.Type, path.Child("type"))
	types := []corev1.ServiceType{adapterType(services, services.NFS), adapterType(services, services.SMB)}
	errs = append(errs, validateExposure(&services.ServiceExposure, types, path)...)
	errs = append(errs, validateFamilies(&services.ServiceExposure, nil, path)...)
	for _, adapter := range []struct {
		service *dittofsv1alpha1.AdapterServiceSpec
		path    *field.Path
	}{{services.NFS, path.Child("nfs")}, {services.SMB, path.Child("smb")}} {
		if adapter.service != nil {
			errs = append(errs, validateAdapterService(adapter.service, services, adapter.path)...)
		}
	}
	if services.NFS != nil && ptr.Deref(services.NFS.Port, 0) == portmapperPort {
		errs = append(errs, field.Invalid(path.Child("nfs", "port"), portmapperPort, "is the port of the portmapper on the same Service; use another one, for example 2049"))
	}
	return errs
}

func validateAdapterService(service *dittofsv1alpha1.AdapterServiceSpec, services *dittofsv1alpha1.AdapterServicesSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if service.Type != "" {
		errs = validateServiceType(service.Type, path.Child("type"))
	}
	effective := adapterType(services, service)
	errs = append(errs, validateNodePort(service.NodePort, effective, path.Child("nodePort"))...)
	errs = append(errs, validateExposure(&service.ServiceExposure, []corev1.ServiceType{effective}, path)...)
	return append(errs, validateFamilies(&service.ServiceExposure, &services.ServiceExposure, path)...)
}

// adapterType is the type that the Service of an adapter gets.
func adapterType(services *dittofsv1alpha1.AdapterServicesSpec, service *dittofsv1alpha1.AdapterServiceSpec) corev1.ServiceType {
	if service != nil && service.Type != "" {
		return service.Type
	}
	return services.Type
}

func validateServiceType(t corev1.ServiceType, path *field.Path) field.ErrorList {
	if slices.Contains(serviceTypes, t) {
		return nil
	}
	return field.ErrorList{field.NotSupported(path, t, serviceTypes)}
}

func validateNodePort(port *int32, t corev1.ServiceType, path *field.Path) field.ErrorList {
	if port == nil || onNodes(t) {
		return nil
	}
	return field.ErrorList{field.Forbidden(path, fmt.Sprintf("a Service of type %s has no port on the nodes; take it away, or set type to NodePort or LoadBalancer", t))}
}

func onNodes(t corev1.ServiceType) bool {
	return t == corev1.ServiceTypeNodePort || t == corev1.ServiceTypeLoadBalancer
}

// validateNodePorts keeps our own Services from asking for one port twice.
func validateNodePorts(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := map[int32]bool{}
	check := func(port *int32, path *field.Path) {
		if port == nil {
			return
		}
		if seen[*port] {
			errs = append(errs, field.Duplicate(path, *port))
		}
		seen[*port] = true
	}
	check(spec.Service.NodePort, path.Child("service", "nodePort"))
	if nfs := spec.AdapterServices.NFS; nfs != nil {
		check(nfs.NodePort, path.Child("adapterServices", "nfs", "nodePort"))
	}
	if smb := spec.AdapterServices.SMB; smb != nil {
		check(smb.NodePort, path.Child("adapterServices", "smb", "nodePort"))
	}
	return errs
}

// validateExposure checks what a Service of Kubernetes would refuse; types are
// those of the Services that the fields reach.
func validateExposure(exposure *dittofsv1alpha1.ServiceExposure, types []corev1.ServiceType, path *field.Path) field.ErrorList {
	errs := apivalidation.ValidateAnnotations(exposure.Annotations, path.Child("annotations"))
	errs = append(errs, validateLabels(exposure.Labels, path.Child("labels"))...)
	balanced := slices.Contains(types, corev1.ServiceTypeLoadBalancer)
	const balancerOnly = "is for type LoadBalancer only; take it away, or set type to LoadBalancer"

	if class, classPath := exposure.LoadBalancerClass, path.Child("loadBalancerClass"); class != nil {
		for _, message := range utilvalidation.IsQualifiedName(*class) {
			errs = append(errs, field.Invalid(classPath, *class, message))
		}
		if !balanced {
			errs = append(errs, field.Forbidden(classPath, balancerOnly))
		}
	}
	rangesPath := path.Child("loadBalancerSourceRanges")
	for i, cidr := range exposure.LoadBalancerSourceRanges {
		errs = append(errs, utilvalidation.IsValidCIDR(rangesPath.Index(i), cidr)...)
	}
	if len(exposure.LoadBalancerSourceRanges) > 0 && !balanced {
		errs = append(errs, field.Forbidden(rangesPath, balancerOnly))
	}
	if policy, policyPath := exposure.ExternalTrafficPolicy, path.Child("externalTrafficPolicy"); policy != "" {
		if !slices.Contains(trafficPolicies, policy) {
			errs = append(errs, field.NotSupported(policyPath, policy, trafficPolicies))
		}
		if !slices.ContainsFunc(types, onNodes) {
			errs = append(errs, field.Forbidden(policyPath, "is for types NodePort and LoadBalancer only; take it away, or set type to one of them"))
		}
	}
	return errs
}
