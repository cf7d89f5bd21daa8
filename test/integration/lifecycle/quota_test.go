// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

const (
	quotaCount   = "count/dittoservers.dittofs.io"
	quotaStorage = dittofsv1alpha1.QuotaStorage
)

func stopped(server *dittofsv1alpha1.DittoServer) { server.Spec.Replicas = ptr.To[int32](0) }

// newQuota makes a quota in a namespace of its own and waits until it has been counted.
func newQuota(t *testing.T, hard corev1.ResourceList) (namespace string) {
	t.Helper()
	namespace = cluster.Namespace(t)
	_, err := cluster.Admin.Kube.CoreV1().ResourceQuotas(namespace).Create(t.Context(), &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "files"}, Spec: corev1.ResourceQuotaSpec{Hard: hard},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for name := range hard {
		awaitUsed(t, namespace, name, "0")
	}
	return namespace
}

func awaitUsed(t *testing.T, namespace string, name corev1.ResourceName, want string) {
	t.Helper()
	harness.Eventually(t, fmt.Sprintf("the quota counts %s of %s", want, name), func(ctx context.Context) error {
		quota, err := cluster.Admin.Kube.CoreV1().ResourceQuotas(namespace).Get(ctx, "files", metav1.GetOptions{})
		if err != nil {
			return err
		}
		used, ok := quota.Status.Used[name]
		if !ok {
			return fmt.Errorf("%s has not been counted", name)
		}
		return equal(used.String(), want)
	})
}

// server.md 12: the cluster keeps a figure of dittofs.io/storage and never makes one, and admission only counts up.
func TestStorageOfServersIsCountedAgainstAQuotaBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	namespace := newQuota(t, corev1.ResourceList{quotaStorage: resource.MustParse("5Gi")})
	servers := cluster.Admin.DittoServers(namespace)
	create := func(ctx context.Context, name string, change ...func(*dittofsv1alpha1.DittoServer)) error {
		_, err := servers.Create(ctx, harness.NewDittoServer(name, append(change, stopped)...), metav1.CreateOptions{})
		return err
	}
	// The informer of our server may not know yet that the quota has been counted.
	harness.Eventually(t, "the first server is created", func(ctx context.Context) error { return create(ctx, "first") })
	awaitUsed(t, namespace, quotaStorage, "2Gi")

	err := create(t.Context(), "large", func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Storage.ContentSize = ptr.To(resource.MustParse("10Gi"))
	})
	want := "exceeded quota: files, requested: dittofs.io/storage=12Gi, used: dittofs.io/storage=2Gi, limited: dittofs.io/storage=5Gi"
	if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), want) {
		t.Errorf("a server over the quota: %v, want 403 with %q", err, want)
	}
	for size, allowed := range map[string]bool{"9Gi": false, "3Gi": true} {
		patch := fmt.Appendf(nil, `{"spec":{"storage":{"metadataSize":%q}}}`, size)
		_, err := servers.Patch(t.Context(), "first", types.MergePatchType, patch, metav1.PatchOptions{})
		if allowed != (err == nil) || !allowed && !apierrors.IsForbidden(err) {
			t.Errorf("growing to %s: %v, want it allowed: %t", size, err, allowed)
		}
	}
	awaitUsed(t, namespace, quotaStorage, "4Gi")
	out := cluster.Admin.Kubectl(namespace).Run(t, "describe", "quota", "files")
	if fields := strings.Fields(out[strings.Index(out, quotaStorage):]); len(fields) < 3 || fields[1] != "4Gi" || fields[2] != "5Gi" {
		t.Errorf("kubectl describe quota does not show 4Gi of 5Gi:\n%s", out)
	}

	if err := servers.Delete(t.Context(), "first", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	awaitUsed(t, namespace, quotaStorage, "0")
}

func TestOfTenCreatesAtOnceAQuotaOfOneAdmitsOne(t *testing.T) {
	t.Parallel()
	namespace := newQuota(t, corev1.ResourceList{quotaCount: resource.MustParse("1"), quotaStorage: resource.MustParse("100Gi")})
	var creates sync.WaitGroup
	for i := range 10 {
		creates.Go(func() {
			name := fmt.Sprintf("files-%d", i)
			_, err := cluster.Admin.DittoServers(namespace).Create(t.Context(), harness.NewDittoServer(name, stopped), metav1.CreateOptions{})
			if err != nil && !apierrors.IsForbidden(err) && !apierrors.IsConflict(err) {
				t.Errorf("create %s: %v, want 403", name, err)
			}
		})
	}
	creates.Wait()
	list, err := cluster.Admin.DittoServers(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) > 1 {
		t.Errorf("%d servers, want at most one", len(list.Items))
	}
	awaitUsed(t, namespace, quotaCount, fmt.Sprint(len(list.Items)))
	if len(list.Items) == 0 {
		// Ten that fight for a place may all lose it. One alone does not.
		harness.Eventually(t, "one server is created", func(ctx context.Context) error {
			_, err := cluster.Admin.DittoServers(namespace).Create(ctx, harness.NewDittoServer("files", stopped), metav1.CreateOptions{})
			return err
		})
		awaitUsed(t, namespace, quotaCount, "1")
	}
}
