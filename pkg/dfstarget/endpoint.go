// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package dfstarget says where the dfs API of a server is and how it is dialled: in go a DittoServer, its StatefulSet
// and its Pod, as the caller has read them; out come an address, a TLS configuration, and words for a failed call.
// It never reads a cluster itself, and never takes an address from a Service, from DNS or from a status.
package dfstarget

import (
	"fmt"
	"net"
	"path"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

const (
	// certPath is where the pod has the certificate that it serves. A change of it restarts every server that has one.
	certPath = "/tls"
	// apiPortName is what the port of the API is called in the pod, defaultPort the one of a spec that was not defaulted.
	apiPortName = "api"
	defaultPort = 8080
)

// Endpoint is an API and the way to it. It is comparable: a connection to one leads to every equal one.
type Endpoint struct {
	// BaseURL names the API, Address is what is dialled instead of its host; empty with a URL template.
	BaseURL string
	Address string
	// TLS is how the API is dialled, and with which Secrets.
	TLS TLS
}

// Started is what a process was given when it started.
type Started struct {
	ServesTLS  bool
	CertSecret string // with the certificate that it serves
}

// Owned says whether the pod runs and is the StatefulSet's own. Whoever may create pods could put another one of that name
// in our way: only this one gets a token.
func Owned(pod *corev1.Pod, set *appsv1.StatefulSet) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.UID == set.UID && pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodRunning
}

// StartedWith reads what a process is given from the pod, or from the template that the pod is made of.
func StartedWith(pod *corev1.PodSpec, server *dittofsv1alpha1.DittoServer) Started {
	volume, serves := MountedAt(pod, certPath)
	started := Started{ServesTLS: serves}
	if !serves {
		return started
	}
	if started.CertSecret = secretOf(volume); started.CertSecret == "" {
		started.CertSecret = server.Spec.ControlPlane.CertSecretName
	}
	return started
}

// Locate says where the API is and how it is dialled. It is false while the pod has no address.
func Locate(server *dittofsv1alpha1.DittoServer, pod *corev1.Pod, started Started, urlTemplate string) (Endpoint, bool) {
	var e Endpoint
	name, port := types.NamespacedName{Namespace: server.Namespace, Name: server.Name}, podPort(pod, server)
	scheme := "http"
	if started.ServesTLS {
		scheme = "https"
	}
	host := fmt.Sprintf("%s.%s.svc", render.APIServiceName(name.Name), name.Namespace)
	switch {
	case urlTemplate != "":
		e.BaseURL = expand(urlTemplate, scheme, name, port)
	case pod.Status.PodIP != "":
		// The host part only names the server; nobody resolves it.
		e.BaseURL = fmt.Sprintf("%s://%s", scheme, net.JoinHostPort(host, strconv.Itoa(int(port))))
		e.Address = net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(int(port)))
	default:
		return Endpoint{}, false
	}
	if e.TLS.On = strings.HasPrefix(e.BaseURL, "https:"); !e.TLS.On {
		return e, true
	}
	control := server.Spec.ControlPlane
	e.TLS.ClientSecret = control.ClientCertSecretName
	if started.ServesTLS {
		e.TLS.CertSecret, e.TLS.ServerName = started.CertSecret, host
	}
	// Else TLS ends at a gateway, which has a certificate for the host of the URL from an authority of this system.
	if control.TLSServerName != "" {
		e.TLS.ServerName = control.TLSServerName
	}
	return e, true
}

// podPort is the port that the running process was told to listen on. During a rollout that is not yet the spec's.
func podPort(pod *corev1.Pod, server *dittofsv1alpha1.DittoServer) int32 {
	for _, c := range pod.Spec.Containers {
		if c.Name != render.ContainerName {
			continue
		}
		for _, port := range c.Ports {
			if port.Name == apiPortName {
				return port.ContainerPort
			}
		}
		if len(c.Ports) > 0 {
			return c.Ports[0].ContainerPort
		}
	}
	if port := server.Spec.ControlPlane.Port; port != nil {
		return *port
	}
	return defaultPort
}

// MountedAt finds the volume of the dfs container at a path.
func MountedAt(pod *corev1.PodSpec, at string) (corev1.Volume, bool) {
	for _, c := range pod.Containers {
		if c.Name != render.ContainerName {
			continue
		}
		for _, m := range c.VolumeMounts {
			if path.Clean(m.MountPath) != at {
				continue
			}
			for _, v := range pod.Volumes {
				if v.Name == m.Name {
					return v, true
				}
			}
		}
	}
	return corev1.Volume{}, false
}

// secretOf is the Secret that a volume is made of, empty if it is made of something else.
func secretOf(v corev1.Volume) string {
	if v.Secret != nil {
		return v.Secret.SecretName
	}
	return ""
}
