// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package adoption_test

import (
	"context"
	"fmt"
	"testing"
	"time"

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
	harness.Subject
	operator upstream.Operator
	theirs   *unstructured.Unstructured
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
	// Together, since the garbage collector looks for new kinds every 30 s only, and both kinds have owners.
	cluster.InstallPercona(t)
	s := subject{Subject: cluster.Subject(namespace, "files"), operator: upstream.Operator{Client: c, Namespace: namespace, Name: "files"}}
	for _, f := range change {
		f(&s.operator)
	}
	playCloud(t, namespace)
	if s.theirs, err = s.operator.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the operator's server runs", func(ctx context.Context) error {
		pod, err := cluster.Admin.Kube.CoreV1().Pods(s.Namespace).Get(ctx, s.Name+"-0", metav1.GetOptions{})
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

// create stores our DittoServer, as theirs is.
func (s subject) create(t *testing.T, change ...func(*dittofsv1alpha1.DittoServer)) {
	t.Helper()
	s.Create(t, append([]func(*dittofsv1alpha1.DittoServer){adopt, asTheirs}, change...)...)
}

func adopt(server *dittofsv1alpha1.DittoServer) {
	server.Annotations = map[string]string{dittofsv1alpha1.AnnotationAdopt: "true"}
}

func asTheirs(server *dittofsv1alpha1.DittoServer) {
	server.Spec.Service.Type = corev1.ServiceTypeNodePort
	server.Spec.AdapterServices.Type = corev1.ServiceTypeLoadBalancer
}

func (s subject) openWindow(t *testing.T) {
	t.Helper()
	s.Patch(t, `{"metadata":{"annotations":{"dittofs.io/rollout":"now"}}}`)
}

func (s subject) awaitNotReady(t *testing.T, reason string) string {
	t.Helper()
	return s.AwaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reason)
}

// awaitWaiting waits until the server is adopted, Ready, and waits for its window.
func (s subject) awaitWaiting(t *testing.T) string {
	t.Helper()
	s.AwaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, "ServerReady")
	return s.AwaitCondition(t, dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, "RolloutPending")
}

// awaitMoved waits until the window is through: the new pod runs and everything is at rest.
func (s subject) awaitMoved(t *testing.T) {
	t.Helper()
	s.AwaitCondition(t, dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, "UpToDate")
	s.AwaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, "ServerReady")
}

// kubectl runs a command of a message or of the page, as an admin.
func (s subject) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return cluster.Admin.Kubectl(s.Namespace).Run(t, args...)
}

// orphan is step b, and the garbage collector's part of it.
func (s subject) orphan(t *testing.T) {
	t.Helper()
	s.kubectl(t, "delete", "dittoservers.dittofs.dittofs.com", s.Name, "--cascade=orphan", "--wait=false")
	harness.Eventually(t, "the garbage collector has let the parts go", func(ctx context.Context) error {
		server := &unstructured.Unstructured{}
		server.SetGroupVersionKind(upstream.Kind)
		if err := s.operator.Client.Get(ctx, types.NamespacedName{Namespace: s.Namespace, Name: s.Name}, server); err != nil {
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
	s.kubectl(t, "patch", "dittoservers.dittofs.dittofs.com", s.Name, "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
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
