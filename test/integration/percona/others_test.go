// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package percona_test

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
	"github.com/dittofs/dittofs-apiserver/test/standin/perconaoperator"
)

// That it is kept otherwise is scenario 3.
func TestADeleteTakesTheDatabaseAlongWhereTheSpecSaysSo(t *testing.T) {
	t.Parallel()
	s := readyOnPercona(t, func(s *dittofsv1alpha1.DittoServer) { s.Spec.DeletionPolicy.Database = dittofsv1alpha1.DeleteData })
	s.Delete(t)
	_, err := cluster.FindPerconaCluster(t.Context(), s.Namespace, "files-postgres")
	_, secretErr := cluster.Admin.Kube.CoreV1().Secrets(s.Namespace).Get(t.Context(), "files-postgres-pguser-dittofs", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) || !apierrors.IsNotFound(secretErr) {
		t.Errorf("the cluster or its data is still there: %v, %v", err, secretErr)
	}
}

func TestAClusterOfOthersIsUsedAndNeverWritten(t *testing.T) {
	t.Parallel()
	s := cluster.Subject(cluster.Namespace(t), "files")
	cluster.PerconaOperator(t, s.Namespace)
	cluster.CreatePerconaCluster(t, s.Namespace, "shared")
	before := cluster.AwaitPerconaCluster(t, s.Namespace, "shared", "the cluster is ready", func(c *unstructured.Unstructured) bool {
		return perconaoperator.State(c) == perconaoperator.Ready
	})
	s.CreateOnPercona(t, func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Percona.ExistingClusterRef = &dittofsv1alpha1.PerconaClusterReference{Name: "shared"}
	})
	s.AwaitReady(t)
	if database := s.Get(t).Status.Database; database == nil || database.Cluster != "shared" {
		t.Errorf("the status says of the database %+v", database)
	}
	s.Delete(t)
	if now := cluster.PerconaCluster(t, s.Namespace, "shared"); now.GetResourceVersion() != before.GetResourceVersion() {
		t.Errorf("the cluster was written: %s, before %s", harness.DescribeObject(now), harness.DescribeObject(before))
	}
}
