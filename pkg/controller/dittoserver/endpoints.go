// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	utilversion "k8s.io/apimachinery/pkg/util/version"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// endpoints are the addresses of the REST API. There are none before there is a server.
func (v view) endpoints() dittofsv1alpha1.EndpointsStatus {
	if v.set == nil {
		return dittofsv1alpha1.EndpointsStatus{}
	}
	return dittofsv1alpha1.EndpointsStatus{API: render.APIURL(v.listening), ExternalAPI: v.externalAPI()}
}

// externalAPI is the address from outside of the cluster: that of the Ingress, else of the load balancer.
func (v view) externalAPI() string {
	if v.ingress != nil && len(v.ingress.Spec.Rules) > 0 {
		scheme := "http"
		if len(v.ingress.Spec.TLS) > 0 {
			scheme = "https"
		}
		return scheme + "://" + v.ingress.Spec.Rules[0].Host
	}
	if v.apiService == nil || v.apiService.Spec.Type != corev1.ServiceTypeLoadBalancer {
		return ""
	}
	host := balancerHost(v.apiService)
	inside, err := url.Parse(render.APIURL(v.listening))
	if host == "" || err != nil {
		return ""
	}
	return inside.Scheme + "://" + net.JoinHostPort(host, strconv.Itoa(int(ptr.Deref(v.listening.Spec.ControlPlane.Port, 0))))
}

// version is that of the running dfs by the tag of its image, empty if the tag is none.
func (v view) version() string {
	if v.pod == nil || v.pod.Status.Phase != corev1.PodRunning {
		return ""
	}
	for _, c := range v.pod.Spec.Containers {
		if c.Name != render.ContainerName {
			continue
		}
		image, _, _ := strings.Cut(c.Image, "@")
		at := strings.LastIndex(image, ":")
		if at < strings.LastIndex(image, "/") || at < 0 {
			return "" // the port of a registry
		}
		if _, err := utilversion.ParseGeneric(image[at+1:]); err == nil {
			return image[at+1:]
		}
	}
	return ""
}
