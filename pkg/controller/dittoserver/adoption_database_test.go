// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/upstream"
)

func fromSecret(variable, secret, key string) corev1.EnvVar {
	return corev1.EnvVar{Name: variable, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: key,
	}}}
}

// withDatabaseURL is the variable by which percona.enabled means to lead dfs to PostgreSQL.
func withDatabaseURL(obj client.Object) {
	if set, ok := obj.(*appsv1.StatefulSet); ok {
		c := &set.Spec.Template.Spec.Containers[0]
		c.Env = append(c.Env, fromSecret("DATABASE_URL", "files-postgres-pguser-dittofs", "uri"))
	}
}

// onPostgres is a server of the operator with spec.database.postgresSecretRef.
func onPostgres(obj client.Object) {
	switch o := obj.(type) {
	case *corev1.ConfigMap:
		config := o.Data["config.yaml"]
		from, to := strings.Index(config, "    type: sqlite"), strings.Index(config, "controlplane:")
		o.Data["config.yaml"] = config[:from] + "    type: postgres\n    postgres:\n        host: placeholder\n" + config[to:]
	case *appsv1.StatefulSet:
		c := &o.Spec.Template.Spec.Containers[0]
		for _, key := range []string{"host", "database", "user", "password"} {
			c.Env = append(c.Env, fromSecret("DITTOFS_DATABASE_POSTGRES_"+strings.ToUpper(key), "pg", key))
		}
	}
}

func postgresIn(secret string) func(*dittofsv1alpha1.DittoServer) {
	return func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Database = dittofsv1alpha1.DatabaseSpec{
			Type: dittofsv1alpha1.DatabasePostgres, PostgresSecretRef: &dittofsv1alpha1.SecretReference{Name: secret},
		}
	}
}

func TestAnAdoptedServerStaysOnItsDatabase(t *testing.T) {
	tests := []struct {
		name   string
		theirs func(client.Object)
		ours   func(*dittofsv1alpha1.DittoServer)
		says   []string // none: it is the same
	}{
		{name: "the same file"},
		{name: "another file", ours: func(s *dittofsv1alpha1.DittoServer) { s.Spec.Database.SQLite.Path = "/data/controlplane/new.db" },
			says: []string{"/data/controlplane/controlplane.db", "/data/controlplane/new.db", "Write spec.database"}},
		{name: "PostgreSQL by Percona, which the operator never used", theirs: withDatabaseURL, ours: onPercona,
			says: []string{"SQLite file /data/controlplane/controlplane.db", "percona dittofs@files-postgres/dittofs", "take spec.percona away", "PerconaPGCluster files-postgres is left as it is"}},
		{name: "the same Secret", theirs: onPostgres, ours: postgresIn("pg")},
		{name: "another Secret to the same database", theirs: onPostgres, ours: postgresIn("pg-copy")},
		{name: "another Secret to another database", theirs: onPostgres, ours: postgresIn("pg-other"),
			says: []string{"the PostgreSQL that Secret pg leads to", "Secret pg-other", "postgresSecretRef: {name: pg}"}},
		{name: "a file, and not PostgreSQL", theirs: onPostgres, says: []string{"Secret pg", "postgresSecretRef: {name: pg}"}},
		{name: "a configuration that is gone", theirs: func(obj client.Object) {
			if config, ok := obj.(*corev1.ConfigMap); ok {
				config.Data = nil
			}
		}, says: []string{"Nobody can tell", "files-config"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ours := tt.ours
			if ours == nil {
				ours = func(*dittofsv1alpha1.DittoServer) {}
			}
			f := newInherited(t, upstream.Operator{Change: tt.theirs}, adopting, ours)
			for name, database := range map[string]string{"pg": "dittofs", "pg-copy": "dittofs", "pg-other": "empty"} {
				f.do(f.admin.Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: f.key.Namespace, Name: name},
					Data: map[string][]byte{"host": []byte("pg.example"), "database": []byte(database), "user": []byte("dfs"), "password": []byte("p")}}))
			}
			f.letGo()
			before := f.substance()
			f.requestWindow()
			f.host.take()
			f.reconcile()
			writes := f.host.take()
			if len(tt.says) == 0 {
				if f.container().Lifecycle.PreStop.Sleep == nil {
					t.Errorf("the window did not open: %+v", f.server().Status.Conditions)
				}
				return
			}
			if len(writes) > 0 {
				t.Errorf("it wrote %q", writes)
			}
			f.wantSubstance(before)
			f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonDatabaseMismatch, tt.says...)
			if hash := f.server().Status.ConfigHash; hash != "" {
				t.Error("our API would refuse to correct the spec")
			}
		})
	}
}
