// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// parts are the metadata of the objects of a DittoServer, by "resource/name".
type parts harness.Parts

func (s subject) parts(t *testing.T) parts { t.Helper(); return parts(s.on().Parts(t)) }

func (s subject) findParts(ctx context.Context) (parts, error) {
	found, err := s.on().FindParts(ctx)
	return parts(found), err
}

func (p parts) names() []string { return harness.Parts(p).Names() }

func (p parts) without(prefixes ...string) parts { return parts(harness.Parts(p).Without(prefixes...)) }

func (p parts) expectUntouched(t *testing.T, s subject) {
	t.Helper()
	harness.Parts(p).ExpectUntouched(t, s.on())
}

func (p parts) expectSame(t *testing.T, s subject) {
	t.Helper()
	harness.Parts(p).ExpectSame(t, s.on())
}

func (p parts) compare(t *testing.T, now parts, identity func(metav1.ObjectMeta) string) {
	t.Helper()
	harness.Parts(p).Compare(t, harness.Parts(now), identity)
}

func (s subject) pod(t *testing.T) *corev1.Pod { t.Helper(); return s.on().Pod(t) }

func (s subject) statefulSet(t *testing.T) *appsv1.StatefulSet {
	t.Helper()
	return s.on().StatefulSet(t)
}

func (s subject) service(t *testing.T) *corev1.Service { t.Helper(); return s.on().Service(t) }

func (s subject) config(t *testing.T) string { t.Helper(); return s.on().Config(t) }

func (s subject) awaitNewPod(t *testing.T, old *corev1.Pod) *corev1.Pod {
	t.Helper()
	return s.on().AwaitNewPod(t, old)
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
