// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// limitStorage leaves the claims of a namespace no room to grow, which is known only once they try to.
func (s subject) limitStorage(t *testing.T, limit string) {
	t.Helper()
	quotas := cluster.Admin.Kube.CoreV1().ResourceQuotas(s.namespace)
	_, err := quotas.Create(t.Context(), &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "storage"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{corev1.ResourceRequestsStorage: resource.MustParse(limit)}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the claims are counted", func(ctx context.Context) error {
		quota, err := quotas.Get(ctx, "storage", metav1.GetOptions{})
		if err != nil {
			return err
		}
		used := quota.Status.Used[corev1.ResourceRequestsStorage]
		return equal(used.String(), limit)
	})
}

func TestAClaimThatCannotGrowIsSaidAndTheServerRunsOn(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	s.limitStorage(t, "2Gi")
	before := s.parts(t)
	s.patch(t, `{"spec":{"storage":{"metadataSize":"3Gi"}}}`)
	message := s.awaitCondition(t, dittofsv1alpha1.ConditionStorageReady, metav1.ConditionFalse, "ExpansionRefused")
	if !strings.Contains(message, "metadata-files-0") || !strings.Contains(message, "from 1Gi to 3Gi") || !strings.Contains(message, "exceeded quota") {
		t.Errorf("the message does not name claim, sizes and cause: %s", message)
	}
	s.awaitCondition(t, dittofsv1alpha1.ConditionAvailable, metav1.ConditionTrue, "PodReady")
	before.expectSame(t, s)
}
