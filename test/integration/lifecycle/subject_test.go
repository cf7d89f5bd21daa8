// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// subject is the DittoServer that a test is about.
type subject struct{ namespace, name string }

// newSubject creates a DittoServer in a namespace of its own and waits until it is Ready.
func newSubject(t *testing.T, change ...func(*dittofsv1alpha1.DittoServer)) subject {
	t.Helper()
	s := subject{cluster.Namespace(t), "files"}
	cluster.CreateDittoServer(t, s.namespace, s.name, change...)
	s.awaitReady(t)
	return s
}

// sample applies the sample that we ship, with kubectl.
func sample(t *testing.T, namespace string) subject {
	t.Helper()
	root, err := harness.RepoDir()
	if err != nil {
		t.Fatal(err)
	}
	cluster.Admin.Kubectl(namespace).Run(t, "apply", "-f", filepath.Join(root, "artifacts", "samples", "dittoserver.yaml"))
	return subject{namespace, "files"}
}

func (s subject) find(ctx context.Context) (*dittofsv1alpha1.DittoServer, error) {
	return cluster.Admin.DittoServers(s.namespace).Get(ctx, s.name, metav1.GetOptions{})
}

func (s subject) get(t *testing.T) *dittofsv1alpha1.DittoServer {
	t.Helper()
	server, err := s.find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// patch merges JSON into the DittoServer.
func (s subject) patch(t *testing.T, patch string) {
	t.Helper()
	_, err := cluster.Admin.DittoServers(s.namespace).Patch(t.Context(), s.name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

// awaitReady waits for Ready=True about the spec as it is now.
func (s subject) awaitReady(t *testing.T) { t.Helper(); s.awaitReadyWithin(t, harness.PatienceLimit) }

func (s subject) awaitReadyWithin(t *testing.T, limit time.Duration) {
	t.Helper()
	cluster.AwaitCondition(t, limit, s.namespace, s.name, dittofsv1alpha1.ConditionReady, metav1.ConditionTrue)
}

// awaitCondition waits until a condition about the spec as it is now has a status and a reason, and returns its message.
func (s subject) awaitCondition(t *testing.T, kind string, status metav1.ConditionStatus, reason string) string {
	t.Helper()
	return s.awaitConditionWithin(t, harness.PatienceLimit, kind, status, reason)
}

func (s subject) awaitConditionWithin(t *testing.T, limit time.Duration, kind string, status metav1.ConditionStatus, reason string) string {
	t.Helper()
	return cluster.AwaitCondition(t, limit, s.namespace, s.name, kind, status, reason)
}

// awaitGone waits until our API no longer has the object.
func (s subject) awaitGone(t *testing.T) {
	t.Helper()
	harness.Eventually(t, s.name+" in "+s.namespace+" is gone", func(ctx context.Context) error {
		server, err := s.find(ctx)
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("finalizers %v, conditions %s", server.Finalizers, harness.DescribeConditions(server.Status.Conditions))
	})
}

// events lists what was said about a namespace's objects.
func events(t *testing.T, namespace string) []corev1.Event {
	t.Helper()
	list, err := cluster.Admin.Kube.CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// serverLog is everything that our server has written, across restarts.
func serverLog(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(cluster.Server.LogPath)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// cleanupContext outlives the test but not our patience: t.Context() has ended when a cleanup runs.
func cleanupContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
