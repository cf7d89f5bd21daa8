// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package scenarios_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// The DittoFS operator hands over a variable that no version of dfs reads: the server runs on SQLite, and nobody says so.
func TestScenario10AServerWithManagedPostgreSQLReallyRunsOnIt(t *testing.T) {
	t.Parallel()
	s := cluster.Subject(cluster.Namespace(t), "files")
	cluster.PerconaOperator(t, s.Namespace)
	s.CreateOnPercona(t)
	s.AwaitReady(t)
	if config := s.Config(t); !strings.Contains(config, "type: postgres") || strings.Contains(config, "sqlite") {
		t.Errorf("the configuration does not say that the database is PostgreSQL:\n%s", config)
	}
	dfs := s.Pod(t).Spec.Containers[0]
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
	// What dfs made of all that.
	if now, want := s.AwaitDFS(t).Database, "postgres:files-postgres-primary."+s.Namespace+".svc:5432/dittofs"; now != want {
		t.Errorf("dfs runs on %s, want %s", now, want)
	}
	status := s.Get(t).Status
	if d := status.Database; d == nil || d.Kind != "percona" || d.Cluster != "files-postgres" || !d.Ready || status.PerconaClusterName != "files-postgres" {
		t.Errorf("the status says of the database %+v, cluster %q", status.Database, status.PerconaClusterName)
	}
}

// In the DittoFS operator the status stays empty while it waits.
func TestScenario17AServerThatWaitsForItsDatabaseSaysSoAndSinceWhen(t *testing.T) {
	t.Parallel()
	s := cluster.Subject(cluster.Namespace(t), "files")
	operator := cluster.PerconaOperator(t)
	began := time.Now().Truncate(time.Second)
	s.CreateOnPercona(t)
	message := s.AwaitCondition(t, dittofsv1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, "PerconaClusterNotReady")
	if !strings.Contains(message, "PerconaPGCluster files-postgres") || !strings.Contains(message, "not looked at by the Percona operator yet") {
		t.Errorf("the message does not say what is waited for: %s", message)
	}
	s.AwaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "PerconaClusterNotReady")
	s.AwaitCondition(t, dittofsv1alpha1.ConditionProgressing, metav1.ConditionTrue, "WaitingForDatabase")
	status := s.Get(t).Status
	since := meta.FindStatusCondition(status.Conditions, dittofsv1alpha1.ConditionDatabaseReady).LastTransitionTime
	if since.Time.Before(began) || since.After(time.Now()) {
		t.Errorf("it says that it waits since %s, and was created at %s", since, began)
	}
	if status.Phase != dittofsv1alpha1.PhasePending || status.PerconaClusterName != "files-postgres" {
		t.Errorf("the phase is %s and the cluster %q", status.Phase, status.PerconaClusterName)
	}
	if _, err := cluster.Admin.Kube.AppsV1().StatefulSets(s.Namespace).Get(t.Context(), s.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a server was started without its database: %v", err)
	}
	// An edit does not begin the wait anew.
	s.Patch(t, `{"spec":{"logging":{"level":"WARN"}}}`)
	s.AwaitCondition(t, dittofsv1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, "PerconaClusterNotReady")
	if now := meta.FindStatusCondition(s.Get(t).Status.Conditions, dittofsv1alpha1.ConditionDatabaseReady).LastTransitionTime; !now.Equal(&since) {
		t.Errorf("after an edit it says that it waits since %s, and not %s", now, since)
	}
	operator.Watch(s.Namespace)
	s.AwaitReady(t)
}
