// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package adoption_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
	"github.com/dittofs/dittofs-apiserver/test/upstream"
)

// subject is a server that the operator has set up.
type subject struct {
	namespace, name string
	operator        upstream.Operator
	theirs          *unstructured.Unstructured
}

// newSubject sets one up in a namespace of its own, and waits until its pod runs on bound claims.
func newSubject(t *testing.T, change ...func(*upstream.Operator)) subject {
	t.Helper()
	return subjectIn(t, cluster.Namespace(t), change...)
}

func subjectIn(t *testing.T, namespace string, change ...func(*upstream.Operator)) subject {
	t.Helper()
	c, err := admin()
	if err != nil {
		t.Fatal(err)
	}
	if err := upstream.Install(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	s := subject{namespace: namespace, name: "files", operator: upstream.Operator{Client: c, Namespace: namespace, Name: "files"}}
	for _, f := range change {
		f(&s.operator)
	}
	playCloud(t, namespace)
	if s.theirs, err = s.operator.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the operator's server runs", func(ctx context.Context) error {
		pod, err := cluster.Admin.Kube.CoreV1().Pods(s.namespace).Get(ctx, s.name+"-0", metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, c := range pod.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return fmt.Errorf("the pod is %s", pod.Status.Phase)
	})
	return s
}

// create stores our DittoServer.
func (s subject) create(t *testing.T, change ...func(*dittofsv1alpha1.DittoServer)) {
	t.Helper()
	cluster.CreateDittoServer(t, s.namespace, s.name, append([]func(*dittofsv1alpha1.DittoServer){adopt, asTheirs}, change...)...)
}

func adopt(server *dittofsv1alpha1.DittoServer) {
	server.Annotations = map[string]string{dittofsv1alpha1.AnnotationAdopt: "true"}
}

func asTheirs(server *dittofsv1alpha1.DittoServer) {
	server.Spec.Service.Type = corev1.ServiceTypeNodePort
	server.Spec.AdapterServices.Type = corev1.ServiceTypeLoadBalancer
}

func (s subject) patch(t *testing.T, patch string) {
	t.Helper()
	_, err := cluster.Admin.DittoServers(s.namespace).Patch(t.Context(), s.name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func (s subject) openWindow(t *testing.T) {
	t.Helper()
	s.patch(t, `{"metadata":{"annotations":{"dittofs.io/rollout":"now"}}}`)
}

// await waits until a condition has a status and a reason, and returns its message.
func (s subject) await(t *testing.T, kind string, status metav1.ConditionStatus, reason string) string {
	t.Helper()
	return cluster.AwaitCondition(t, harness.PatienceLimit, s.namespace, s.name, kind, status, reason)
}

func (s subject) awaitNotReady(t *testing.T, reason string) string {
	t.Helper()
	return s.await(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reason)
}

// awaitWaiting waits until the server is adopted, Ready, and waits for its window.
func (s subject) awaitWaiting(t *testing.T) string {
	t.Helper()
	s.await(t, dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, "ServerReady")
	return s.await(t, dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, "RolloutPending")
}

// awaitMoved waits until the window is through: the new pod runs and everything is at rest.
func (s subject) awaitMoved(t *testing.T) {
	t.Helper()
	s.await(t, dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, "UpToDate")
	s.await(t, dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, "ServerReady")
}

// kubectl runs a command of a message or of the page, as an admin.
func (s subject) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return cluster.Admin.Kubectl(s.namespace).Run(t, args...)
}

// orphan is step b, and the garbage collector's part of it.
func (s subject) orphan(t *testing.T) {
	t.Helper()
	s.kubectl(t, "delete", "dittoservers.dittofs.dittofs.com", s.name, "--cascade=orphan", "--wait=false")
	harness.Eventually(t, "the garbage collector has let the parts go", func(ctx context.Context) error {
		server := &unstructured.Unstructured{}
		server.SetGroupVersionKind(upstream.Kind)
		if err := s.operator.Client.Get(ctx, types.NamespacedName{Namespace: s.namespace, Name: s.name}, server); err != nil {
			return err
		}
		if finalizers := server.GetFinalizers(); len(finalizers) != 1 {
			return fmt.Errorf("it has the finalizers %v", finalizers)
		}
		return nil
	})
}

// letGo are the steps b and c.
func (s subject) letGo(t *testing.T) {
	t.Helper()
	s.orphan(t)
	s.kubectl(t, "patch", "dittoservers.dittofs.dittofs.com", s.name, "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
}

func (s subject) set(t *testing.T) *appsv1.StatefulSet {
	t.Helper()
	set, err := cluster.Admin.Kube.AppsV1().StatefulSets(s.namespace).Get(t.Context(), s.name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// unchangedFor watches until the time is over that nothing of before has changed.
func (s subject) unchangedFor(t *testing.T, d time.Duration, before fixed) {
	t.Helper()
	over := time.Now().Add(d)
	err := wait.PollUntilContextCancel(t.Context(), time.Second, true, func(ctx context.Context) (bool, error) {
		now, err := s.find(ctx)
		if err != nil {
			return false, err
		}
		before.want(t, now)
		return t.Failed() || time.Now().After(over), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if t.Failed() {
		t.FailNow()
	}
}
