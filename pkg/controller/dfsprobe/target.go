// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/watches"
	"github.com/dittofs/dittofs-apiserver/pkg/dfstarget"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// Target is one dfs process to ask. It is comparable: a changed Target is asked at once.
type Target struct {
	Pod      types.UID
	Restarts int32
	Ready    bool
	// Endpoint is where the API is. A connection to one leads to every equal one.
	dfstarget.Endpoint
	// Stale says that the pod runs an older template than the StatefulSet has.
	Stale bool
	// Pod template: what the process was given when it started.
	dfstarget.Started
	HasKeytab bool
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
	if !dfstarget.Owned(pod, set) {
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
		t.Started, t.HasKeytab = before.Started, before.HasKeytab
	} else {
		t.Started = dfstarget.StartedWith(&set.Spec.Template.Spec, server)
		_, t.HasKeytab = dfstarget.MountedAt(&set.Spec.Template.Spec, keytabMount)
	}
	var located bool
	if t.Endpoint, located = dfstarget.Locate(server, pod, t.Started, p.URLTemplate); !located {
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

func podReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
