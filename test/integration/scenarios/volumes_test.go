// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package scenarios_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/controlplane"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func metadataClaim(ctx context.Context, s harness.Subject) (*corev1.PersistentVolumeClaim, error) {
	return cluster.Admin.Kube.CoreV1().PersistentVolumeClaims(s.Namespace).Get(ctx, "metadata-files-0", metav1.GetOptions{})
}

// In the DittoFS operator any other size wedges the server: the immutable templates refuse it, and with it every later edit.
// Here the claims are patched and the StatefulSet stays: server.md 18.
func TestScenario06AVolumeGrowsOrTheEditIsRefusedAndOtherEditsStillApply(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, class, size, refusal, left string }{
		{"a volume that can grow does", controlplane.DefaultStorageClass, "3Gi", "", "3Gi"},
		{"a volume that cannot is said at once", controlplane.FixedStorageClass, "3Gi", `StorageClass "fixed" does not let volumes grow`, "1Gi"},
		{"no volume shrinks", controlplane.DefaultStorageClass, "512Mi", "volumes grow only, it was 1Gi", "1Gi"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := cluster.NewSubject(t, func(server *dittofsv1alpha1.DittoServer) {
				server.Spec.Storage.StorageClassName = &c.class
				server.Spec.AdapterServices.Type = corev1.ServiceTypeClusterIP // no load balancer to wait for
			})
			before := s.Parts(t).Without("persistentvolumeclaims/metadata")
			err := s.TryPatch(t.Context(), `{"spec":{"storage":{"metadataSize":"`+c.size+`"}}}`)
			if c.refusal == "" && err != nil || c.refusal != "" && (!apierrors.IsInvalid(err) || !strings.Contains(err.Error(), c.refusal)) {
				t.Fatalf("the answer is %v, want %q", err, c.refusal)
			}
			s.AwaitReady(t)
			s.AwaitCondition(t, dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, "UpToDate")
			harness.Eventually(t, "the claim has its size", func(ctx context.Context) error {
				claim, err := metadataClaim(ctx, s)
				if err != nil {
					return err
				}
				return equal(fmt.Sprint(claim.Spec.Resources.Requests.Storage(), " ", claim.Status.Capacity.Storage()), c.left+" "+c.left)
			})
			before.Compare(t, s.Parts(t).Without("persistentvolumeclaims/metadata"),
				func(m metav1.ObjectMeta) string { return fmt.Sprintf("UID %s, generation %d", m.UID, m.Generation) })
			pod := s.Pod(t)
			s.Patch(t, `{"spec":{"logging":{"level":"WARN"}}}`)
			s.AwaitNewPod(t, pod)
			s.AwaitReady(t)
			if !strings.Contains(s.Config(t), "level: WARN") {
				t.Error("another edit does not arrive")
			}
			if claim, err := metadataClaim(t.Context(), s); err != nil || claim.Spec.Resources.Requests.Storage().String() != c.left {
				t.Errorf("after another edit the claim asks for %v (%v)", claim.Spec.Resources.Requests.Storage(), err)
			}
		})
	}
}

// The webhook of the DittoFS operator may not read StorageClasses: it refuses every server that names one, after 10 s.
func TestScenario16AServerThatNamesAStorageClassIsAdmittedUnderTheShippedRights(t *testing.T) {
	t.Parallel()
	s := cluster.Subject(cluster.Namespace(t), "files")
	for verb, want := range map[string]bool{"list": true, "create": false} {
		review, err := cluster.Admin.Kube.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{User: harness.ServerUser, ResourceAttributes: &authorizationv1.ResourceAttributes{
				Group: "storage.k8s.io", Resource: "storageclasses", Verb: verb,
			}},
		}, metav1.CreateOptions{})
		if err != nil || review.Status.Allowed != want {
			t.Errorf("our server may %s StorageClasses: %v (%v), want %v", verb, review.Status.Allowed, err, want)
		}
	}
	tenant := cluster.User(t, "tenant-of-"+s.Namespace)
	cluster.Allow(t, tenant, s.Namespace, harness.Rule(dittofsv1alpha1.GroupName, "dittoservers", "create", "get"))
	create := func(name, class string) (time.Duration, error) {
		began := time.Now()
		_, err := tenant.DittoServers(s.Namespace).Create(t.Context(), harness.NewDittoServer(name, func(server *dittofsv1alpha1.DittoServer) {
			server.Spec.Storage.StorageClassName = ptr.To(class)
		}), metav1.CreateOptions{})
		return time.Since(began), err
	}
	took, err := create("files", controlplane.DefaultStorageClass)
	if err != nil || took > 10*time.Second {
		t.Fatalf("a class that exists: %v after %s", err, took)
	}
	t.Logf("admitted after %s", took)
	if _, err := create("other", "fats"); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "there is no such StorageClass; existing are fixed, standard") {
		t.Errorf("a class that does not exist: %v", err)
	}
	s.AwaitReady(t)
}
