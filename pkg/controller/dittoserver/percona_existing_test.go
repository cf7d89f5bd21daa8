// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func TestAnExistingClusterIsUsedAndNeverTouched(t *testing.T) {
	f := newOnExisting(t)
	res := f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonPerconaClusterNotFound, "shared", "existingClusterRef")
	if res.RequeueAfter == 0 || res.RequeueAfter > existingRetry {
		t.Errorf("nobody watches it, and it is looked at again after %s", res.RequeueAfter)
	}
	f.existing("shared")
	if res := f.reconcile(); res.RequeueAfter == 0 || res.RequeueAfter > existingRetry {
		t.Errorf("it is looked at again after %s", res.RequeueAfter)
	}
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonPerconaClusterNotReady)
	f.clock.Step(11 * time.Minute)
	f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonPerconaClusterTimeout)

	f.says(perconaReady)
	f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonPerconaUserNotFound, `user "dittofs"`, "shared-pguser-dittofs")
	f.secret("shared-pguser-dittofs", map[string][]byte{
		"user": []byte("dittofs"), "password": []byte("p"), "host": []byte("h"), "port": []byte("5432"),
	})
	f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionFalse, reasonPerconaCANotFound, "caSecretRef")
	f.secret("shared-cluster-cert", map[string][]byte{"ca.crt": []byte("CA")})
	before := f.live().GetResourceVersion()
	f.up()
	if d := f.server().Status.Database; d.Cluster != "shared" || !d.Ready {
		t.Errorf("the database in the status is %+v", d)
	}

	// Whatever becomes of it is none of our business while dfs reaches its database.
	f.says(perconaInitializing)
	f.reconcile()
	f.clock.Step(time.Hour)
	f.healthy(get(f.fixture, &corev1.Pod{}, "files-0"))
	f.reconcile()
	f.wantCondition(databaseReady, metav1.ConditionTrue, reasonDatabaseReachable, "initializing")
	f.says(perconaReady)
	after := f.live()
	for _, entry := range after.GetManagedFields() {
		if entry.Manager == dittofsv1alpha1.FieldManager {
			t.Errorf("we wrote to it: %v", entry)
		}
	}
	if before == after.GetResourceVersion() {
		t.Error("the stand-in for the operator wrote nothing")
	}
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.DeletionPolicy.Database = dittofsv1alpha1.DeleteData })
	before = f.live().GetResourceVersion()
	f.deleteServer("")
	f.letPodGo()
	if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") || f.live().GetResourceVersion() != before {
		t.Error("the delete touched it")
	}
}

func TestACAOfTheUserIsMissedLikeAnySecret(t *testing.T) {
	f := newOnExisting(t, func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Percona.CASecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "corp-ca", Key: "root.pem"}
	})
	f.existing("shared")
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, reasonSecretNotFound, "corp-ca")
	f.says(perconaReady)
	f.givesSecrets()
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, reasonSecretNotFound, "corp-ca")
	f.secret("corp-ca", map[string][]byte{"root.pem": []byte("CA")})
	f.up()
}

func TestADatabaseThatDFSMayNotWriteToIsNamedWhenDFSDoesNotStart(t *testing.T) {
	closed := func(spec map[string]any) { spec["autoCreateUserSchema"] = false }
	tests := []struct {
		name string
		edit func(spec map[string]any)
		says bool
	}{
		{"a user without a schema", closed, true},
		{"a cluster that is older than the schemas", func(spec map[string]any) { spec["crVersion"] = "2.5.0" }, true},
		{"a user with a schema of its own", func(map[string]any) {}, false},
		{"a user who may write to the schema public", func(spec map[string]any) {
			closed(spec)
			spec["users"].([]any)[0].(map[string]any)["grantPublicSchemaAccess"] = true
		}, false},
		{"an old PostgreSQL, where everybody may", func(spec map[string]any) {
			closed(spec)
			spec["postgresVersion"] = int64(14)
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newOnExisting(t)
			f.existing("shared", tt.edit)
			f.says(perconaReady)
			f.givesSecrets()
			f.reconcile()
			pod := f.runPod()
			pod.Status.Conditions[0].Status = corev1.ConditionFalse
			pod.Status.ContainerStatuses = []corev1.ContainerStatus{{
				Name: render.ContainerName, State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}},
			}}
			f.do(f.admin.Status().Update(t.Context(), pod))
			f.reconcile()
			if tt.says {
				f.wantCondition(databaseReady, metav1.ConditionFalse, reasonPerconaSchemaNotWritable, "42501", `CREATE SCHEMA "dittofs" AUTHORIZATION "dittofs"`)
			} else {
				f.wantCondition(databaseReady, metav1.ConditionUnknown, reasonAskingDFS)
			}
		})
	}
}

func TestAMoveToAnotherDatabase(t *testing.T) {
	moved := func(t *testing.T) percona {
		t.Helper()
		if err := installPercona(); err != nil {
			t.Fatal(err)
		}
		f := percona{newFixture(t), "files-postgres"}
		f.up()
		f.edit(onPercona)
		return f
	}
	t.Run("makes no cluster unless it is accepted", func(t *testing.T) {
		f := moved(t)
		before := f.set().ResourceVersion
		f.reconcile()
		f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, reasonDatabaseIdentityChanged, "sqlite", "dittofs@files-postgres/dittofs")
		if !f.missing() || f.set().Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash] == "" {
			t.Error("a cluster was made")
		}
		if f.set().ResourceVersion != before {
			t.Error("the StatefulSet was written")
		}
	})
	t.Run("leaves the pod where it is until the database is ready", func(t *testing.T) {
		f := moved(t)
		f.edit(func(s *dittofsv1alpha1.DittoServer) {
			s.Annotations[dittofsv1alpha1.AnnotationAcceptEmptyDatabase] = ""
		})
		was := f.set().Spec.Template
		f.reconcile()
		f.wantCondition(databaseReady, metav1.ConditionFalse, reasonPerconaClusterNotReady, "stays on the database that it has")
		if f.set().Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash] != was.Annotations[dittofsv1alpha1.AnnotationConfigHash] {
			t.Error("the pod was moved")
		}
		if d := f.server().Status.Database; d.Kind != "sqlite" {
			t.Errorf("the record is %+v", d)
		}
		f.says(perconaReady)
		f.givesSecrets()
		f.reconcile()
		if f.set().Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash] == was.Annotations[dittofsv1alpha1.AnnotationConfigHash] {
			t.Error("the pod was not moved")
		}
		if d := f.server().Status.Database; d.Kind != "percona" || d.Cluster != "files-postgres" {
			t.Errorf("the record is %+v", d)
		}
	})
}
