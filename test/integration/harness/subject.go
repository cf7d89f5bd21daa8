// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Subject is the DittoServer that a test is about.
type Subject struct {
	Cluster         *Cluster
	Namespace, Name string
}

// Subject names a DittoServer, which need not exist yet.
func (c *Cluster) Subject(namespace, name string) Subject { return Subject{c, namespace, name} }

// NewSubject creates a DittoServer in a namespace of its own and waits until it is Ready.
func (c *Cluster) NewSubject(t *testing.T, change ...func(*dittofsv1alpha1.DittoServer)) Subject {
	t.Helper()
	s := c.Subject(c.Namespace(t), "files")
	s.Create(t, change...)
	s.AwaitReady(t)
	return s
}

// Create stores the smallest valid DittoServer, unless changed, as an admin.
func (s Subject) Create(t *testing.T, change ...func(*dittofsv1alpha1.DittoServer)) {
	t.Helper()
	s.Cluster.CreateDittoServer(t, s.Namespace, s.Name, change...)
}

// Find reads the DittoServer.
func (s Subject) Find(ctx context.Context) (*dittofsv1alpha1.DittoServer, error) {
	return s.Cluster.Admin.DittoServers(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
}

// Get reads the DittoServer, which must be there.
func (s Subject) Get(t *testing.T) *dittofsv1alpha1.DittoServer {
	t.Helper()
	server, err := s.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// TryPatch merges JSON into the DittoServer.
func (s Subject) TryPatch(ctx context.Context, patch string) error {
	_, err := s.Cluster.Admin.DittoServers(s.Namespace).Patch(ctx, s.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}

// Patch is TryPatch of what must be accepted.
func (s Subject) Patch(t *testing.T, patch string) {
	t.Helper()
	if err := s.TryPatch(t.Context(), patch); err != nil {
		t.Fatal(err)
	}
}

// Delete deletes the DittoServer and waits until our API no longer has it.
func (s Subject) Delete(t *testing.T) {
	t.Helper()
	if err := s.Cluster.Admin.DittoServers(s.Namespace).Delete(t.Context(), s.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.AwaitGone(t)
}

// AwaitReady waits for Ready=True about the spec as it is now.
func (s Subject) AwaitReady(t *testing.T) { t.Helper(); s.AwaitReadyWithin(t, PatienceLimit) }

// AwaitReadyWithin is AwaitReady with another limit.
func (s Subject) AwaitReadyWithin(t *testing.T, limit time.Duration) {
	t.Helper()
	s.Cluster.AwaitCondition(t, limit, s.Namespace, s.Name, dittofsv1alpha1.ConditionReady, metav1.ConditionTrue)
}

// AwaitCondition waits until a condition about the spec as it is now has a status and a reason, and returns its message.
func (s Subject) AwaitCondition(t *testing.T, kind string, status metav1.ConditionStatus, reason string) string {
	t.Helper()
	return s.AwaitConditionWithin(t, PatienceLimit, kind, status, reason)
}

// AwaitConditionWithin is AwaitCondition with another limit.
func (s Subject) AwaitConditionWithin(t *testing.T, limit time.Duration, kind string, status metav1.ConditionStatus, reason string) string {
	t.Helper()
	return s.Cluster.AwaitCondition(t, limit, s.Namespace, s.Name, kind, status, reason)
}

// AwaitGone waits until our API no longer has the DittoServer.
func (s Subject) AwaitGone(t *testing.T) {
	t.Helper()
	Eventually(t, s.Name+" in "+s.Namespace+" is gone", func(ctx context.Context) error {
		server, err := s.Find(ctx)
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("finalizers %v, conditions %s", server.Finalizers, DescribeConditions(server.Status.Conditions))
	})
}

// Pod is the pod of the server.
func (s Subject) Pod(t *testing.T) *corev1.Pod {
	t.Helper()
	pod, err := s.Cluster.Admin.Kube.CoreV1().Pods(s.Namespace).Get(t.Context(), s.Name+"-0", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pod
}

// StatefulSet is the one of the server.
func (s Subject) StatefulSet(t *testing.T) *appsv1.StatefulSet {
	t.Helper()
	set, err := s.Cluster.Admin.Kube.AppsV1().StatefulSets(s.Namespace).Get(t.Context(), s.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// Service is that of the REST API.
func (s Subject) Service(t *testing.T) *corev1.Service {
	t.Helper()
	service, err := s.Cluster.Admin.Kube.CoreV1().Services(s.Namespace).Get(t.Context(), s.Name+"-api", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return service
}

// Config is the config.yaml that was rendered for the server.
func (s Subject) Config(t *testing.T) string {
	t.Helper()
	config, err := s.Cluster.Admin.Kube.CoreV1().ConfigMaps(s.Namespace).Get(t.Context(), s.Name+"-config", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return config.Data["config.yaml"]
}

// AwaitNewPod waits until another pod than the given one is there and ready.
func (s Subject) AwaitNewPod(t *testing.T, old *corev1.Pod) *corev1.Pod {
	t.Helper()
	var pod *corev1.Pod
	Eventually(t, "a new pod of "+s.Name+" is ready", func(ctx context.Context) (err error) {
		pod, err = s.Cluster.Admin.Kube.CoreV1().Pods(s.Namespace).Get(ctx, old.Name, metav1.GetOptions{})
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
