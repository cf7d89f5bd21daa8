// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package hostadmission

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// Counted is the name of our kind in a quota.
const Counted = "count/dittoservers.dittofs.io"

// Quota wants a ResourceQuota of one server to refuse the second, and to count nothing for it. initialise gives the
// quota its first status, or waits until the quota controller has.
func Quota(t *testing.T, c *harness.Cluster, initialise func(*testing.T, *corev1.ResourceQuota)) {
	t.Helper()
	namespace := c.Namespace(t)
	quotas := c.Admin.Kube.CoreV1().ResourceQuotas(namespace)
	quota, err := quotas.Create(t.Context(), &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "one"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{Counted: resource.MustParse("1")}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	initialise(t, quota)
	// The informer of our server may be behind: until it has heard of the status it refuses everything.
	harness.Eventually(t, "the first server is created", func(ctx context.Context) error {
		_, err := c.Admin.DittoServers(namespace).Create(ctx, harness.NewDittoServer("first"), metav1.CreateOptions{})
		return err
	})
	_, err = c.Admin.DittoServers(namespace).Create(t.Context(), harness.NewDittoServer("second"), metav1.CreateOptions{})
	if !apierrors.IsForbidden(err) {
		t.Errorf("the second server: %v, want 403", err)
	}
	for _, want := range []string{"exceeded quota: one", "requested: " + Counted + "=1", "used: " + Counted + "=1", "limited: " + Counted + "=1"} {
		if err := refused(err, want); err != nil {
			t.Error(err)
		}
	}
	used, err := quotas.Get(t.Context(), "one", metav1.GetOptions{})
	if err != nil || used.Status.Used.Name(Counted, "").Value() != 1 {
		t.Errorf("used: %v, %v", used.Status.Used, err)
	}
}
