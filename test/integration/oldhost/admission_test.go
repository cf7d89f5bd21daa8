// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package oldhost_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/integration/conformance/hostadmission"
)

// MutatingAdmissionPolicy is not among these: the host does not serve it, and our server does without.

func TestValidatingAdmissionPoliciesOfAnOldHostApply(t *testing.T) {
	hostadmission.ValidatingPolicy(t, cluster)
}

func TestValidatingWebhooksOfAnOldHostApply(t *testing.T) {
	hostadmission.ValidatingWebhook(t, cluster)
}

func TestMutatingWebhooksOfAnOldHostApply(t *testing.T) {
	hostadmission.MutatingWebhook(t, cluster)
}

func TestResourceQuotaOfAnOldHostRefusesTheSecondServer(t *testing.T) {
	hostadmission.Quota(t, cluster, func(t *testing.T, quota *corev1.ResourceQuota) {
		// No quota controller runs here.
		quota.Status = corev1.ResourceQuotaStatus{
			Hard: quota.Spec.Hard, Used: corev1.ResourceList{hostadmission.Counted: resource.MustParse("0")},
		}
		if _, err := cluster.Admin.Kube.CoreV1().ResourceQuotas(quota.Namespace).UpdateStatus(t.Context(), quota, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	})
}
