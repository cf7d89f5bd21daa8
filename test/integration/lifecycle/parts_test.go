// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// partKinds are all kinds that a DittoServer becomes.
var partKinds = []schema.GroupVersionResource{
	{Group: "apps", Version: "v1", Resource: "statefulsets"},
	{Version: "v1", Resource: "configmaps"},
	{Version: "v1", Resource: "persistentvolumeclaims"},
	{Version: "v1", Resource: "pods"},
	{Version: "v1", Resource: "secrets"},
	{Version: "v1", Resource: "services"},
}

// parts are the metadata of the objects of a DittoServer, by "resource/name".
type parts map[string]metav1.ObjectMeta

// parts finds everything by the label that all of it has.
func (s subject) parts(t *testing.T) parts {
	t.Helper()
	found, err := s.findParts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func (s subject) findParts(ctx context.Context) (parts, error) {
	found := parts{}
	for _, kind := range partKinds {
		list, err := cluster.Admin.Metadata.Resource(kind).Namespace(s.namespace).List(ctx,
			metav1.ListOptions{LabelSelector: dittofsv1alpha1.LabelInstance + "=" + s.name})
		if err != nil {
			return nil, err
		}
		for _, item := range list.Items {
			found[kind.Resource+"/"+item.Name] = item.ObjectMeta
		}
	}
	return found, nil
}

func (p parts) names() []string { return slices.Sorted(maps.Keys(p)) }

// without leaves out the parts whose "resource/name" begins with a prefix.
func (p parts) without(prefixes ...string) parts {
	out := maps.Clone(p)
	maps.DeleteFunc(out, func(name string, _ metav1.ObjectMeta) bool {
		return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
	})
	return out
}

// expectUntouched fails the test for each part that is gone, new, another one, or was written since.
func (p parts) expectUntouched(t *testing.T, s subject) {
	t.Helper()
	p.compare(t, s.parts(t), func(m metav1.ObjectMeta) string {
		return fmt.Sprintf("UID %s at version %s of generation %d", m.UID, m.ResourceVersion, m.Generation)
	})
}

// expectSame allows writes that change no spec: the same objects of the same generation.
func (p parts) expectSame(t *testing.T, s subject) {
	t.Helper()
	p.compare(t, s.parts(t), func(m metav1.ObjectMeta) string {
		return fmt.Sprintf("UID %s, generation %d, deleted at %v", m.UID, m.Generation, m.DeletionTimestamp)
	})
}

func (p parts) compare(t *testing.T, now parts, identity func(metav1.ObjectMeta) string) {
	t.Helper()
	for name, before := range p {
		after, ok := now[name]
		switch {
		case !ok:
			t.Errorf("%s is gone", name)
		case identity(before) != identity(after):
			t.Errorf("%s was changed: it had %s and has %s, written last by %s", name, identity(before), identity(after), lastWriter(after))
		}
	}
	for name := range now {
		if _, ok := p[name]; !ok {
			t.Errorf("%s is new", name)
		}
	}
}

func lastWriter(m metav1.ObjectMeta) string {
	var last metav1.ManagedFieldsEntry
	for _, entry := range m.ManagedFields {
		if entry.Time != nil && (last.Time == nil || last.Time.Before(entry.Time)) {
			last = entry
		}
	}
	return last.Manager
}

func (s subject) pod(t *testing.T) *corev1.Pod {
	t.Helper()
	pod, err := cluster.Admin.Kube.CoreV1().Pods(s.namespace).Get(t.Context(), s.name+"-0", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

func (s subject) statefulSet(t *testing.T) *appsv1.StatefulSet {
	t.Helper()
	set, err := cluster.Admin.Kube.AppsV1().StatefulSets(s.namespace).Get(t.Context(), s.name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func (s subject) service(t *testing.T) *corev1.Service {
	t.Helper()
	service, err := cluster.Admin.Kube.CoreV1().Services(s.namespace).Get(t.Context(), s.name+"-api", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return service
}

func (s subject) config(t *testing.T) string {
	t.Helper()
	config, err := cluster.Admin.Kube.CoreV1().ConfigMaps(s.namespace).Get(t.Context(), s.name+"-config", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return config.Data["config.yaml"]
}

// awaitNewPod waits until another pod than the given one is there and ready.
func (s subject) awaitNewPod(t *testing.T, old *corev1.Pod) *corev1.Pod {
	t.Helper()
	var pod *corev1.Pod
	harness.Eventually(t, "a new pod of "+s.name+" is ready", func(ctx context.Context) (err error) {
		pod, err = cluster.Admin.Kube.CoreV1().Pods(s.namespace).Get(ctx, old.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if pod.UID == old.UID {
			return errors.New("it is the old one")
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return errors.New("it is not ready")
	})
	return pod
}

// awaitParts waits until exactly the given "resource/name" are left.
func (s subject) awaitParts(t *testing.T, want []string) {
	t.Helper()
	harness.Eventually(t, "the right parts of "+s.name+" are left", func(ctx context.Context) error {
		found, err := s.findParts(ctx)
		if err != nil {
			return err
		}
		if !slices.Equal(found.names(), want) {
			return fmt.Errorf("got %v, want %v", found.names(), want)
		}
		return nil
	})
}

func gone(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return errors.Join(err, errors.New("it is still there"))
}
