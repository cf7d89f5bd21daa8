// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/integration/conformance/hostadmission"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var dryRun = metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}

func TestValidatingAdmissionPoliciesOfTheClusterApply(t *testing.T) {
	hostadmission.ValidatingPolicy(t, cluster)
}

func TestMutatingAdmissionPoliciesOfTheClusterApply(t *testing.T) {
	hostadmission.MutatingPolicy(t, cluster)
}

func TestValidatingWebhooksOfTheClusterApply(t *testing.T) {
	hostadmission.ValidatingWebhook(t, cluster)
}

func TestMutatingWebhooksOfTheClusterApply(t *testing.T) {
	hostadmission.MutatingWebhook(t, cluster)
}

func TestHazard20ResourceQuotaRefusesTheSecondServer(t *testing.T) {
	// It looks for new kinds twice a minute, and counts a quota that is older than its knowledge much later.
	harness.Eventually(t, "the quota controller has found our kind", func(context.Context) error {
		for _, event := range cluster.Requests(t, "system:kube-controller-manager") {
			if event.Verb == "watch" && event.ObjectRef != nil && event.ObjectRef.Resource == "dittoservers" {
				return nil
			}
		}
		return errors.New("it does not watch dittoservers")
	})
	hostadmission.Quota(t, cluster, func(t *testing.T, quota *corev1.ResourceQuota) {
		harness.Eventually(t, "the quota controller counts", func(ctx context.Context) error {
			quota, err := cluster.Admin.Kube.CoreV1().ResourceQuotas(quota.Namespace).Get(ctx, quota.Name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if _, ok := quota.Status.Used[hostadmission.Counted]; !ok {
				return errors.New("no status yet")
			}
			return nil
		})
	})
}

func TestHazard21NamespacesThatAreMissingOrGoingTakeNoServers(t *testing.T) {
	_, err := cluster.Admin.DittoServers("missing").Create(t.Context(), harness.NewDittoServer("files"), metav1.CreateOptions{})
	expectRefusal(t, err, 404, `namespaces "missing" not found`)

	namespace := cluster.Namespace(t)
	// Something keeps the namespace, as long as we look.
	holder := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "holder", Finalizers: []string{"example.com/hold"}}}
	if _, err := cluster.Admin.Kube.CoreV1().ConfigMaps(namespace).Create(t.Context(), holder, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	existing := cluster.CreateDittoServer(t, namespace, "existing")
	if err := cluster.Admin.Kube.CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "creates are refused", func(ctx context.Context) error {
		_, err := cluster.Admin.DittoServers(namespace).Create(ctx, harness.NewDittoServer("files"), dryRun)
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "because it is being terminated") {
			return errors.Join(errors.New("not refused"), err)
		}
		return nil
	})
	harness.Eventually(t, "the namespace controller deletes the server", func(ctx context.Context) error {
		server, err := cluster.Admin.DittoServers(namespace).Get(ctx, existing.Name, metav1.GetOptions{})
		if err == nil && server.DeletionTimestamp == nil {
			return errors.New("not deleted")
		}
		return err
	})
	removeFinalizers(t, namespace, existing.Name)
}
