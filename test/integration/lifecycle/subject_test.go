// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// subject is the DittoServer that a test is about.
type subject struct{ namespace, name string }

// on is the same for the harness, which does the work.
func (s subject) on() harness.Subject { return cluster.Subject(s.namespace, s.name) }

// newSubject creates a DittoServer in a namespace of its own and waits until it is Ready.
func newSubject(t *testing.T, change ...func(*dittofsv1alpha1.DittoServer)) subject {
	t.Helper()
	s := cluster.NewSubject(t, change...)
	return subject{s.Namespace, s.Name}
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
	return s.on().Find(ctx)
}

func (s subject) get(t *testing.T) *dittofsv1alpha1.DittoServer { t.Helper(); return s.on().Get(t) }

func (s subject) patch(t *testing.T, patch string) { t.Helper(); s.on().Patch(t, patch) }

func (s subject) awaitReady(t *testing.T) { t.Helper(); s.on().AwaitReady(t) }

func (s subject) awaitReadyWithin(t *testing.T, limit time.Duration) {
	t.Helper()
	s.on().AwaitReadyWithin(t, limit)
}

func (s subject) awaitCondition(t *testing.T, kind string, status metav1.ConditionStatus, reason string) string {
	t.Helper()
	return s.on().AwaitCondition(t, kind, status, reason)
}

func (s subject) awaitGone(t *testing.T) { t.Helper(); s.on().AwaitGone(t) }

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

func cleanupContext(t *testing.T) context.Context { return harness.CleanupContext(t) }
