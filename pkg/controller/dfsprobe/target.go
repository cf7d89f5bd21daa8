// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"fmt"
	"net"
	"net/url"
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
	// Stale says that the pod runs an older template than the StatefulSet has.
	Stale bool
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

// ValidateURLTemplate says whether the template leads to a URL.
func ValidateURLTemplate(template string) error {
	if template == "" {
		return nil
	}
	u, err := url.Parse(expand(template, types.NamespacedName{Namespace: "ns", Name: "name"}, 1))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("dfs URL template %q: want http or https and a host, with {namespace}, {name} and {port} where needed", template)
	}
	return nil
}

func expand(template string, server types.NamespacedName, port int32) string {
	return strings.NewReplacer(
		"{namespace}", server.Namespace,
		"{name}", server.Name,
		"{port}", strconv.Itoa(int(port)),
	).Replace(template)
}

// target finds the process to ask, in the caches only. There is none while the server is stopped or its pod has no
// address.
func (p *Prober) target(ctx context.Context, server *dittofsv1alpha1.DittoServer) (Target, bool, error) {
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
	port := podPort(pod, server)
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
	name := client.ObjectKeyFromObject(server)
	if p.URLTemplate != "" {
		t.BaseURL = expand(p.URLTemplate, name, port)
	} else if pod.Status.PodIP != "" {
		// The host part is what a certificate would be checked against; nobody resolves it.
		t.BaseURL = fmt.Sprintf("http://%s.%s.svc:%d", render.APIServiceName(name.Name), name.Namespace, port)
		t.Address = net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(int(port)))
	} else {
		return Target{}, false, nil
	}
	secret := watches.NewSecretMetadata()
	key.Name = t.Secret.Name
	if err := p.Host.Get(ctx, key, secret); err == nil {
		t.SecretVersion = string(secret.UID) + "/" + secret.ResourceVersion
	} else if !apierrors.IsNotFound(err) {
		return Target{}, false, fmt.Errorf("look up Secret %s: %w", key.Name, err)
	}
	return t, true, nil
}

// podPort is the port that the running process was told to listen on. During a rollout that is not yet the spec's.
func podPort(pod *corev1.Pod, server *dittofsv1alpha1.DittoServer) int32 {
	for _, c := range pod.Spec.Containers {
		if c.Name == render.ContainerName && len(c.Ports) > 0 {
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
