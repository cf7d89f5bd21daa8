// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/watches"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// Target is one dfs process to ask. It is comparable: a changed Target is asked at once.
type Target struct {
	Pod      types.UID
	Restarts int32
	Ready    bool
	// BaseURL names the API, Address is what is dialled instead of its host; empty with a URL template.
	BaseURL string
	Address string
	// TLS is how the API is dialled, and with which Secrets.
	TLS TLS
	// Stale says that the pod runs an older template than the StatefulSet has.
	Stale bool
	// Pod template: what the process was given when it started.
	CertSecret string // with the certificate that it serves
	ServesTLS  bool
	HasKeytab  bool
	// LacksContent says that the pod was made without the content volume that the spec asks for by now.
	LacksContent bool
	// Secret is the JWT secret, SecretVersion the resource version of its Secret.
	Secret        render.SecretKey
	SecretVersion string
}

// process is what a container restart changes: the environment is read anew.
type process struct {
	pod      types.UID
	restarts int32
}

func (t Target) process() process { return process{t.Pod, t.Restarts} }

// sameConnection says that a connection to one target leads to the other too.
func (t Target) sameConnection(other Target) bool {
	return t.BaseURL == other.BaseURL && t.Address == other.Address && t.TLS == other.TLS
}

// target finds the process to ask, in the caches only. There is none while the server is stopped or its pod has no
// address. before is what was found last time.
func (p *Prober) target(ctx context.Context, server *dittofsv1alpha1.DittoServer, before Target) (Target, bool, error) {
	set := &appsv1.StatefulSet{}
	key := types.NamespacedName{Namespace: server.Namespace, Name: render.StatefulSetName(server.Name)}
	if err := p.Host.Get(ctx, key, set); apierrors.IsNotFound(err) {
		return Target{}, false, nil
	} else if err != nil {
		return Target{}, false, fmt.Errorf("look up StatefulSet %s: %w", key.Name, err)
	}
	pod := &corev1.Pod{}
	key.Name = render.PodName(server.Name)
	if err := p.Host.Get(ctx, key, pod); apierrors.IsNotFound(err) {
		return Target{}, false, nil
	} else if err != nil {
		return Target{}, false, fmt.Errorf("look up Pod %s: %w", key.Name, err)
	}
	// Whoever may create pods could put one of this name in our way: only the StatefulSet's own gets a token.
	owner := metav1.GetControllerOf(pod)
	if owner == nil || owner.UID != set.UID || pod.DeletionTimestamp != nil || pod.Status.Phase != corev1.PodRunning {
		return Target{}, false, nil
	}
	t := Target{
		Pod:    pod.UID,
		Ready:  podReady(pod),
		Secret: render.JWTSecret(server),
		Stale: pod.Annotations[dittofsv1alpha1.AnnotationConfigHash] !=
			set.Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash],
	}
	for _, c := range pod.Status.ContainerStatuses {
		if c.Name == render.ContainerName {
			t.Restarts = c.RestartCount
		}
	}
	if t.Stale && before.Pod == t.Pod {
		// The template is already the next pod's. This one is what it was.
		t.CertSecret, t.ServesTLS, t.HasKeytab = before.CertSecret, before.ServesTLS, before.HasKeytab
	} else {
		t.fromTemplate(&set.Spec.Template, server)
	}
	if !p.locate(&t, pod, server) {
		return Target{}, false, nil
	}
	t.LacksContent = lacksContent(&set.Spec.Template, server)
	var err error
	if t.SecretVersion, err = p.secretVersion(ctx, server.Namespace, t.Secret.Name); err != nil {
		return Target{}, false, err
	}
	if t.TLS.On {
		if t.TLS.CertVersion, err = p.secretVersion(ctx, server.Namespace, t.TLS.CertSecret); err != nil {
			return Target{}, false, err
		}
		if t.TLS.ClientVersion, err = p.secretVersion(ctx, server.Namespace, t.TLS.ClientSecret); err != nil {
			return Target{}, false, err
		}
	}
	return t, true, nil
}

func (t *Target) fromTemplate(template *corev1.PodTemplateSpec, server *dittofsv1alpha1.DittoServer) {
	var volume corev1.Volume
	if volume, t.ServesTLS = mountedAt(template, certPath); t.ServesTLS {
		if t.CertSecret = secretOf(volume); t.CertSecret == "" {
			t.CertSecret = server.Spec.ControlPlane.CertSecretName
		}
	}
	_, t.HasKeytab = mountedAt(template, keytabMount)
}

// locate fills in where the API is and how it is dialled. It is false while the pod has no address.
func (p *Prober) locate(t *Target, pod *corev1.Pod, server *dittofsv1alpha1.DittoServer) bool {
	name, port := client.ObjectKeyFromObject(server), podPort(pod, server)
	scheme := "http"
	if t.ServesTLS {
		scheme = "https"
	}
	host := fmt.Sprintf("%s.%s.svc", render.APIServiceName(name.Name), name.Namespace)
	switch {
	case p.URLTemplate != "":
		t.BaseURL = expand(p.URLTemplate, scheme, name, port)
	case pod.Status.PodIP != "":
		// The host part only names the server; nobody resolves it.
		t.BaseURL = fmt.Sprintf("%s://%s", scheme, net.JoinHostPort(host, strconv.Itoa(int(port))))
		t.Address = net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(int(port)))
	default:
		return false
	}
	if t.TLS.On = strings.HasPrefix(t.BaseURL, "https:"); !t.TLS.On {
		return true
	}
	control := server.Spec.ControlPlane
	t.TLS.ClientSecret = control.ClientCertSecretName
	if t.ServesTLS {
		t.TLS.CertSecret, t.TLS.ServerName = t.CertSecret, host
	}
	// Else TLS ends at a gateway, which has a certificate for the host of the URL from an authority of this system.
	if control.TLSServerName != "" {
		t.TLS.ServerName = control.TLSServerName
	}
	return true
}

// secretVersion tells one content of a Secret from another; empty if there is no such Secret.
func (p *Prober) secretVersion(ctx context.Context, namespace, name string) (string, error) {
	if name == "" {
		return "", nil
	}
	secret := watches.NewSecretMetadata()
	err := p.Host.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("look up Secret %s: %w", name, err)
	}
	return versionOf(secret), nil
}

func versionOf(secret metav1.Object) string {
	return string(secret.GetUID()) + "/" + secret.GetResourceVersion()
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

func podReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
