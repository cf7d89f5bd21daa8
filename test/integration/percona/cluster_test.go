// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package percona_test

import (
	"context"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
	"github.com/dittofs/dittofs-apiserver/test/standin/perconaoperator"
)

func TestEditsReachTheClusterAndNobodyFightsItsOperator(t *testing.T) {
	t.Parallel()
	s := readyOnPercona(t)
	pod := s.Pod(t)
	s.Patch(t, `{"spec":{"percona":{"replicas":3,"storageSize":"20Gi","images":{"postgres":"mirror.example/pg:18"},
		"backup":{"enabled":true,"bucket":"b","endpoint":"s3.example.com","region":"r","credentialsSecretRef":{"name":"s3"}}}}}`)
	changed := cluster.AwaitPerconaCluster(t, s.Namespace, "files-postgres", "the edit reaches the cluster", func(c *unstructured.Unstructured) bool {
		return instance(c, "replicas") == int64(3) && perconaoperator.At(c, "spec", "image") == "mirror.example/pg:18" &&
			instance(c, "dataVolumeClaimSpec", "resources", "requests", "storage") == "20Gi" && perconaoperator.At(c, "spec", "backups", "enabled") == true
	})
	if path := perconaoperator.At(changed, "spec", "backups", "pgbackrest", "global", "repo1-path"); path != "/pgbackrest/"+s.Namespace+"/files/repo1" {
		t.Errorf("the backups go to %v, which two clusters could share", path)
	}
	s.AwaitReady(t)
	settled := cluster.AwaitPerconaCluster(t, s.Namespace, "files-postgres", "the operator has reported on the edit", func(c *unstructured.Unstructured) bool {
		return perconaoperator.At(c, "status", "observedGeneration") == c.GetGeneration()
	})
	if perconaoperator.At(settled, "spec", "unmanaged") != false {
		t.Error("a field of the operator is gone")
	}
	expectSilence(t, s)
	if now := s.Pod(t); now.UID != pod.UID {
		t.Error("the file server was restarted for an edit of its cluster")
	}
}

// The pods of PostgreSQL restart when the version changes.
func TestTheVersionOfAClusterChangesOnRequestOnly(t *testing.T) {
	t.Parallel()
	s := readyOnPercona(t)
	_, err := cluster.Admin.Dynamic.Resource(perconaoperator.Clusters).Namespace(s.Namespace).Patch(t.Context(), "files-postgres",
		types.MergePatchType, []byte(`{"spec":{"crVersion":"3.1.0"}}`), metav1.PatchOptions{FieldManager: "dba"})
	if err != nil {
		t.Fatal(err)
	}
	s.Patch(t, `{"spec":{"percona":{"replicas":2}}}`)
	upgraded := cluster.AwaitPerconaCluster(t, s.Namespace, "files-postgres", "the edit reaches the cluster", func(c *unstructured.Unstructured) bool { return instance(c, "replicas") == int64(2) })
	if version := perconaoperator.At(upgraded, "spec", "crVersion"); version != "3.1.0" {
		t.Errorf("another edit set the version to %v", version)
	}
	s.Patch(t, `{"spec":{"percona":{"crVersion":"3.2.0"}}}`)
	cluster.AwaitPerconaCluster(t, s.Namespace, "files-postgres", "the version is what was asked for", func(c *unstructured.Unstructured) bool { return perconaoperator.At(c, "spec", "crVersion") == "3.2.0" })
}

func TestAClusterThatIsNeverReadyIsSaidOnceItsTimeIsOver(t *testing.T) {
	t.Parallel()
	s := onPercona(t, func(s *dittofsv1alpha1.DittoServer) { s.Spec.Percona.ReadyTimeout = "1m" })
	message := s.AwaitConditionWithin(t, 3*time.Minute, dittofsv1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, "PerconaClusterTimeout")
	if !strings.Contains(message, "1m") || !strings.Contains(message, "spec.percona.readyTimeout") || !strings.Contains(message, "has to run, and to watch this namespace") {
		t.Errorf("the message does not say what to do: %s", message)
	}
	cluster.PerconaOperator(t, s.Namespace)
	s.AwaitReady(t)
}

// instance is a field of the only set of instances.
func instance(object *unstructured.Unstructured, fields ...string) any {
	instances, _ := perconaoperator.At(object, "spec", "instances").([]any)
	if len(instances) != 1 {
		return nil
	}
	return perconaoperator.At(&unstructured.Unstructured{Object: instances[0].(map[string]any)}, fields...)
}

// expectSilence fails the test if the cluster is written within ten seconds, in which each side would have answered the other.
func expectSilence(t *testing.T, s harness.Subject) {
	t.Helper()
	before := cluster.PerconaCluster(t, s.Namespace, "files-postgres")
	err := wait.PollUntilContextTimeout(t.Context(), 500*time.Millisecond, 10*time.Second, true, func(ctx context.Context) (bool, error) {
		now, err := cluster.FindPerconaCluster(ctx, s.Namespace, "files-postgres")
		if err != nil {
			return false, err
		}
		return now.GetResourceVersion() != before.GetResourceVersion(), nil
	})
	switch {
	case err == nil:
		t.Errorf("the cluster was written at rest: %s, before %s",
			harness.DescribeObject(cluster.PerconaCluster(t, s.Namespace, "files-postgres")), harness.DescribeObject(before))
	case !wait.Interrupted(err):
		t.Error(err)
	}
}
