// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package percona_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// U §8 scenarios 10 and 17.
func TestAServerWaitsForItsClusterAndThenReallyRunsOnIt(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t)
	operator := startOperator(t)
	onPercona(t, namespace)

	message := cluster.AwaitCondition(t, harness.PatienceLimit, namespace, name, dittofsv1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, "PerconaClusterNotReady")
	if !strings.Contains(message, "PerconaPGCluster files-postgres") || !strings.Contains(message, "not looked at by the Percona operator yet") {
		t.Errorf("the message does not say what is waited for: %s", message)
	}
	cluster.AwaitCondition(t, harness.PatienceLimit, namespace, name, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "PerconaClusterNotReady")
	made := live(t, namespace, "files-postgres")
	if owners := made.GetOwnerReferences(); len(owners) > 0 {
		t.Errorf("the cluster has owners, so that a garbage collector deletes a database: %v", owners)
	}
	if _, err := cluster.Admin.Kube.AppsV1().StatefulSets(namespace).Get(t.Context(), name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a server was started without its database: %v", err)
	}

	operator.watch(namespace)
	awaitReady(t, namespace)
	pod, err := cluster.Admin.Kube.CoreV1().Pods(namespace).Get(t.Context(), name+"-0", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dfs := pod.Spec.Containers[0]
	for variable, key := range map[string]string{
		"DITTOFS_DATABASE_POSTGRES_HOST": "host", "DITTOFS_DATABASE_POSTGRES_USER": "user",
		"DITTOFS_DATABASE_POSTGRES_PASSWORD": "password",
	} {
		if !slices.ContainsFunc(dfs.Env, func(e corev1.EnvVar) bool {
			return e.Name == variable && e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil &&
				e.ValueFrom.SecretKeyRef.Name == "files-postgres-pguser-dittofs" && e.ValueFrom.SecretKeyRef.Key == key
		}) {
			t.Errorf("%s is not the key %s of the Secret that the operator made: %v", variable, key, dfs.Env)
		}
	}
	if !slices.Contains(dfs.Env, corev1.EnvVar{Name: "DITTOFS_DATABASE_POSTGRES_SSLMODE", Value: "verify-full"}) {
		t.Errorf("the connection is not verified: %v", dfs.Env)
	}
	if !slices.ContainsFunc(dfs.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == "/postgres-ca" && m.ReadOnly }) {
		t.Errorf("the CA of PostgreSQL is not mounted: %v", dfs.VolumeMounts)
	}
	status := server(t, namespace).Status
	if d := status.Database; d == nil || d.Kind != "percona" || d.Cluster != "files-postgres" || !d.Ready || status.PerconaClusterName != "files-postgres" {
		t.Errorf("the status says of the database %+v, cluster %q", status.Database, status.PerconaClusterName)
	}
}

func TestEditsReachTheClusterAndNobodyFightsItsOperator(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t)
	startOperator(t, namespace)
	onPercona(t, namespace)
	awaitReady(t, namespace)
	pod, err := cluster.Admin.Kube.CoreV1().Pods(namespace).Get(t.Context(), name+"-0", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	patchServer(t, namespace, `{"spec":{"percona":{"replicas":3,"storageSize":"20Gi",
		"backup":{"enabled":true,"bucket":"b","endpoint":"s3.example.com","region":"r","credentialsSecretRef":{"name":"s3"}}}}}`)
	changed := awaitLive(t, namespace, "files-postgres", "the edit reaches the cluster", func(c *unstructured.Unstructured) bool {
		return instance(c, "replicas") == int64(3) &&
			instance(c, "dataVolumeClaimSpec", "resources", "requests", "storage") == "20Gi" && at(c, "spec", "backups", "enabled") == true
	})
	if path := at(changed, "spec", "backups", "pgbackrest", "global", "repo1-path"); path != "/pgbackrest/"+namespace+"/files/repo1" {
		t.Errorf("the backups go to %v, which two clusters could share", path)
	}
	awaitReady(t, namespace)
	settled := awaitLive(t, namespace, "files-postgres", "the operator has reported on the edit", func(c *unstructured.Unstructured) bool {
		return at(c, "status", "observedGeneration") == c.GetGeneration()
	})
	if at(settled, "spec", "unmanaged") != false {
		t.Error("a field of the operator is gone")
	}
	expectSilence(t, namespace, "files-postgres")
	now, err := cluster.Admin.Kube.CoreV1().Pods(namespace).Get(t.Context(), name+"-0", metav1.GetOptions{})
	if err != nil || now.UID != pod.UID {
		t.Errorf("the file server was restarted for an edit of its cluster (%v)", err)
	}
}

// The pods of PostgreSQL restart when the version changes.
func TestTheVersionOfAClusterChangesOnRequestOnly(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t)
	startOperator(t, namespace)
	onPercona(t, namespace)
	awaitReady(t, namespace)
	_, err := cluster.Admin.Dynamic.Resource(clusters).Namespace(namespace).Patch(t.Context(), "files-postgres",
		types.MergePatchType, []byte(`{"spec":{"crVersion":"3.1.0"}}`), metav1.PatchOptions{FieldManager: "dba"})
	if err != nil {
		t.Fatal(err)
	}
	patchServer(t, namespace, `{"spec":{"percona":{"replicas":2}}}`)
	upgraded := awaitLive(t, namespace, "files-postgres", "the edit reaches the cluster", func(c *unstructured.Unstructured) bool { return instance(c, "replicas") == int64(2) })
	if version := at(upgraded, "spec", "crVersion"); version != "3.1.0" {
		t.Errorf("another edit set the version to %v", version)
	}
	patchServer(t, namespace, `{"spec":{"percona":{"crVersion":"3.2.0"}}}`)
	awaitLive(t, namespace, "files-postgres", "the version is what was asked for", func(c *unstructured.Unstructured) bool { return at(c, "spec", "crVersion") == "3.2.0" })
}

func TestAClusterThatIsNeverReadyIsSaidOnceItsTimeIsOver(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t)
	onPercona(t, namespace, func(s *dittofsv1alpha1.DittoServer) { s.Spec.Percona.ReadyTimeout = "1m" })
	message := cluster.AwaitCondition(t, 3*time.Minute, namespace, name, dittofsv1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, "PerconaClusterTimeout")
	if !strings.Contains(message, "1m") || !strings.Contains(message, "spec.percona.readyTimeout") || !strings.Contains(message, "has to run, and to watch this namespace") {
		t.Errorf("the message does not say what to do: %s", message)
	}
	startOperator(t, namespace)
	awaitReady(t, namespace)
}

// instance is a field of the only set of instances.
func instance(object *unstructured.Unstructured, fields ...string) any {
	instances, _ := at(object, "spec", "instances").([]any)
	if len(instances) != 1 {
		return nil
	}
	return at(&unstructured.Unstructured{Object: instances[0].(map[string]any)}, fields...)
}

// expectSilence fails the test if a cluster is written within ten seconds, in which each side would have answered the other.
func expectSilence(t *testing.T, namespace, name string) {
	t.Helper()
	before := live(t, namespace, name)
	err := wait.PollUntilContextTimeout(t.Context(), 500*time.Millisecond, 10*time.Second, true, func(ctx context.Context) (bool, error) {
		now, err := cluster.Admin.Dynamic.Resource(clusters).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		return now.GetResourceVersion() != before.GetResourceVersion(), nil
	})
	switch {
	case err == nil:
		t.Errorf("the cluster was written at rest: %s, before %s", describe(live(t, namespace, name)), describe(before))
	case !wait.Interrupted(err):
		t.Error(err)
	}
}
