// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// subject is the DittoServer that a test is about.
type subject struct{ harness.Subject }

func subjectOf(namespace, name string) subject { return subject{cluster.Subject(namespace, name)} }

// newSubject creates a DittoServer in a namespace of its own and waits until it is Ready.
func newSubject(t *testing.T, change ...func(*dittofsv1alpha1.DittoServer)) subject {
	t.Helper()
	s := subjectOf(cluster.Namespace(t), "files")
	s.create(t, change...)
	s.AwaitReady(t)
	return s
}

// create stores the smallest DittoServer. While the host is in trouble our API may refuse it with an error that asks to try
// again, and an answer may get lost.
func (s subject) create(t *testing.T, change ...func(*dittofsv1alpha1.DittoServer)) {
	t.Helper()
	harness.Eventually(t, s.Name+" is stored", func(ctx context.Context) error {
		_, err := cluster.Admin.DittoServers(s.Namespace).Create(ctx, harness.NewDittoServer(s.Name, change...), metav1.CreateOptions{})
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
}

// patch merges JSON into the DittoServer, and tries again as a user would.
func (s subject) patch(t *testing.T, patch string) {
	t.Helper()
	harness.Eventually(t, s.Name+" is patched", func(ctx context.Context) error { return s.TryPatch(ctx, patch) })
}

// level changes what dfs logs: a change that restarts the pod.
func (s subject) level(t *testing.T, level string) {
	t.Helper()
	s.patch(t, fmt.Sprintf(`{"spec":{"logging":{"level":%q}}}`, level))
}

// annotate changes the API Service: a change that restarts nothing.
func (s subject) annotate(t *testing.T, value string) {
	t.Helper()
	s.patch(t, fmt.Sprintf(`{"spec":{"service":{"annotations":{"example.com/a":%q}}}}`, value))
}

// hash is the config hash of the pod template.
func (s subject) hash(t *testing.T) string {
	t.Helper()
	return s.StatefulSet(t).Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash]
}

// awaitControllers returns when a DittoServer that was created just now is Ready: whatever our controllers had to do
// before it, they have done by then.
func awaitControllers(t *testing.T) {
	t.Helper()
	newSubject(t)
}

// within says how long something took, and fails the test if that was too long.
func within(t *testing.T, limit time.Duration, what string, do func()) {
	t.Helper()
	began := time.Now()
	do()
	took := time.Since(began).Round(100 * time.Millisecond)
	t.Logf("%s after %s", what, took)
	if took > limit {
		t.Errorf("%s took %s, want at most %s", what, took, limit)
	}
}
