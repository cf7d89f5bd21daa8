// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package percona_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// U §8 scenarios 3 and 4.
func TestADeleteKeepsTheDatabaseUnlessItIsAskedFor(t *testing.T) {
	t.Parallel()
	for policy, kept := range map[dittofsv1alpha1.RetentionPolicy]bool{dittofsv1alpha1.RetainData: true, dittofsv1alpha1.DeleteData: false} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			namespace := cluster.Namespace(t)
			startOperator(t, namespace)
			onPercona(t, namespace, func(s *dittofsv1alpha1.DittoServer) { s.Spec.DeletionPolicy.Database = policy })
			awaitReady(t, namespace)
			before := live(t, namespace, "files-postgres")
			deleteServer(t, namespace)
			after, err := cluster.Admin.Dynamic.Resource(clusters).Namespace(namespace).Get(t.Context(), "files-postgres", metav1.GetOptions{})
			_, secretErr := cluster.Admin.Kube.CoreV1().Secrets(namespace).Get(t.Context(), "files-postgres-pguser-dittofs", metav1.GetOptions{})
			if !kept {
				if !apierrors.IsNotFound(err) || !apierrors.IsNotFound(secretErr) {
					t.Errorf("the cluster or its data is still there: %v, %v", err, secretErr)
				}
				return
			}
			if err != nil || secretErr != nil || after.GetUID() != before.GetUID() || after.GetDeletionTimestamp() != nil {
				t.Fatalf("the database was not kept: %v, %v", err, secretErr)
			}
			// The same manifest brings the same server back, on the same database.
			onPercona(t, namespace)
			awaitReady(t, namespace)
			if now := live(t, namespace, "files-postgres"); now.GetUID() != before.GetUID() {
				t.Error("the server came back on another cluster")
			}
		})
	}
}

func TestAClusterOfOthersIsUsedAndNeverWritten(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t)
	startOperator(t, namespace)
	existing(t, namespace, "shared")
	awaitLive(t, namespace, "shared", "the cluster is ready", func(c *unstructured.Unstructured) bool { return stateOf(c) == "ready" })
	before := live(t, namespace, "shared")
	onPercona(t, namespace, func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Percona.ExistingClusterRef = &dittofsv1alpha1.PerconaClusterReference{Name: "shared"}
	})
	awaitReady(t, namespace)
	if cluster := server(t, namespace).Status.Database; cluster == nil || cluster.Cluster != "shared" {
		t.Errorf("the status says of the database %+v", cluster)
	}
	deleteServer(t, namespace)
	if now := live(t, namespace, "shared"); now.GetResourceVersion() != before.GetResourceVersion() {
		t.Errorf("the cluster was written: %s, before %s", describe(now), describe(before))
	}
}

// U §8 scenario 5.
func TestAClusterOfOthersUnderOurNameIsLeftAlone(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t)
	existing(t, namespace, "files-postgres")
	before := live(t, namespace, "files-postgres")
	onPercona(t, namespace, func(s *dittofsv1alpha1.DittoServer) { s.Spec.DeletionPolicy.Database = dittofsv1alpha1.DeleteData })
	message := cluster.AwaitCondition(t, harness.PatienceLimit, namespace, name, dittofsv1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, "NameConflict")
	if !strings.Contains(message, "spec.percona.existingClusterRef") {
		t.Errorf("the message does not say what to do: %s", message)
	}
	deleteServer(t, namespace)
	now := live(t, namespace, "files-postgres")
	if now.GetResourceVersion() != before.GetResourceVersion() || slices.ContainsFunc(now.GetManagedFields(), func(m metav1.ManagedFieldsEntry) bool {
		return m.Manager == dittofsv1alpha1.FieldManager
	}) {
		t.Errorf("the cluster of somebody else was written: %s", describe(now))
	}
}

func deleteServer(t *testing.T, namespace string) {
	t.Helper()
	if err := cluster.Admin.DittoServers(namespace).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the server is gone", func(ctx context.Context) error {
		server, err := cluster.Admin.DittoServers(namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, errors.New(harness.DescribeConditions(server.Status.Conditions)))
	})
}
