// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func (s subject) claim(ctx context.Context, volume string) (*corev1.PersistentVolumeClaim, error) {
	return cluster.Admin.Kube.CoreV1().PersistentVolumeClaims(s.namespace).Get(ctx, volume+"-"+s.name+"-0", metav1.GetOptions{})
}

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

// U §8 scenario 6, server.md 18: the StatefulSet, whose claim templates are immutable, is never replaced for it.
func TestAClaimGrowsUnderARunningServer(t *testing.T) {
	t.Parallel()
	s := newSubject(t, func(server *dittofsv1alpha1.DittoServer) {
		server.Spec.AdapterServices.Type = corev1.ServiceTypeClusterIP // no load balancer to wait for
	})
	before := s.parts(t).without("persistentvolumeclaims/metadata")
	s.patch(t, `{"spec":{"storage":{"metadataSize":"3Gi"}}}`)
	harness.Eventually(t, "the claim has grown", func(ctx context.Context) error {
		claim, err := s.claim(ctx, "metadata")
		if err != nil {
			return err
		}
		return equal(fmt.Sprint(claim.Spec.Resources.Requests.Storage(), " ", claim.Status.Capacity.Storage()), "3Gi 3Gi")
	})
	s.awaitReady(t)
	s.awaitCondition(t, dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, "UpToDate")
	awaitControllers(t)
	before.compare(t, s.parts(t).without("persistentvolumeclaims/metadata"),
		func(m metav1.ObjectMeta) string { return fmt.Sprintf("UID %s, generation %d", m.UID, m.Generation) })
	// Other edits still arrive.
	pod := s.pod(t)
	s.patch(t, `{"spec":{"logging":{"level":"WARN"}}}`)
	s.awaitNewPod(t, pod)
	s.awaitReady(t)
	if claim, err := s.claim(t.Context(), "metadata"); err != nil || claim.Spec.Resources.Requests.Storage().String() != "3Gi" {
		t.Errorf("after another edit the claim asks for %v (%v)", claim.Spec.Resources.Requests.Storage(), err)
	}
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
