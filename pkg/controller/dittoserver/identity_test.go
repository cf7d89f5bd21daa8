// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func (f *fixture) wantWrites(allowed bool) {
	f.t.Helper()
	if got, why := f.rec.WritesAllowed(f.key); got != allowed {
		f.t.Errorf("writes to dfs are allowed: %t (%s)", got, why)
	}
}

func (f *fixture) acceptEmptyDatabase() {
	f.t.Helper()
	f.edit(func(s *dittofsv1alpha1.DittoServer) {
		s.Annotations[dittofsv1alpha1.AnnotationAcceptEmptyDatabase] = "true"
	})
}

// controllers.md 2
func TestAClaimThatWasMadeAnewIsNotReadyAndNothingIsWrittenToDFS(t *testing.T) {
	f := newFixture(t)
	f.up()
	f.reconcile()
	f.wantWrites(true)
	old := get(f, &corev1.PersistentVolumeClaim{}, "metadata-files-0")
	old.Finalizers = nil
	f.do(f.admin.Update(t.Context(), old))
	f.do(f.admin.Delete(t.Context(), old))
	if !f.gone(&corev1.PersistentVolumeClaim{}, "metadata-files-0") {
		t.Fatal("the claim is still there")
	}
	f.claim("metadata", "1Gi", nil)
	now := get(f, &corev1.PersistentVolumeClaim{}, "metadata-files-0")
	for range 2 { // and what is on record stays
		f.reconcile()
		f.wantCondition(dittofsv1alpha1.ConditionStorageReady, metav1.ConditionFalse, reasonVolumeReplaced, string(old.UID), string(now.UID), dittofsv1alpha1.AnnotationAcceptEmptyDatabase)
		f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonVolumeReplaced)
		f.wantWrites(false)
	}
	f.acceptEmptyDatabase()
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
	f.wantWrites(true)
	if got := volumeStatusOf(f.server().Status.Volumes, "metadata"); got == nil || got.ClaimUID != string(now.UID) {
		t.Errorf("on record is %+v", got)
	}
}

// controllers.md 2
func TestADatabaseWithAnotherMachineSIDIsNotReadyAndNothingIsWrittenToDFS(t *testing.T) {
	f := newFixture(t)
	f.up()
	f.reconcile()
	const before, after = "S-1-5-21-1-2-3", "S-1-5-21-9-9-9"
	f.observe(func(seen *dfsprobe.Observation) { seen.MachineSID = after })
	for range 2 {
		f.reconcile()
		f.wantCondition(dittofsv1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, reasonDatabaseIdentityChanged, before, after)
		f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonDatabaseIdentityChanged)
		f.wantWrites(false)
	}
	f.acceptEmptyDatabase()
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
	f.wantWrites(true)
	if got := f.server().Status.MachineSID; got != after {
		t.Errorf("on record is %s", got)
	}
}

// controllers.md 1
func TestASecretThatLeadsToAnotherDatabaseHoldsTheRollout(t *testing.T) {
	dsn := func(change map[string]string) map[string]string {
		data := map[string]string{"host": "pg.example.com", "port": "5432", "user": "dittofs", "password": "one-password", "database": "files"}
		for k, v := range change {
			data[k] = v
		}
		return data
	}
	for name, tt := range map[string]struct {
		change map[string]string
		held   bool
	}{
		"another host":           {map[string]string{"host": "other.example.com"}, true},
		"another database":       {map[string]string{"database": "other"}, true},
		"another user":           {map[string]string{"user": "other"}, true},
		"another port is none":   {map[string]string{"port": "6432"}, false},
		"the same host, shouted": {map[string]string{"host": "PG.EXAMPLE.COM"}, false},
		"another password":       {map[string]string{"password": "two-password"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.Database = dittofsv1alpha1.DatabaseSpec{PostgresSecretRef: &dittofsv1alpha1.SecretReference{Name: "pg"}}
			})
			secret := f.secret("pg", dsn(nil))
			f.up()
			f.reconcile()
			before, config := f.set(), get(f, &corev1.ConfigMap{}, "files-config").Data[render.ConfigKey]
			secret.StringData = dsn(tt.change)
			f.do(f.admin.Update(t.Context(), secret))
			f.reconcile()
			changed := f.set().Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash] != before.Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash]
			if changed == tt.held {
				t.Errorf("the template has changed: %t", changed)
			}
			if !tt.held {
				return
			}
			if now := get(f, &corev1.ConfigMap{}, "files-config").Data[render.ConfigKey]; now != config {
				t.Error("the configuration has changed")
			}
			f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, reasonDatabaseIdentityChanged, "Secret pg", dittofsv1alpha1.AnnotationAcceptEmptyDatabase)
			for _, event := range f.events.take() {
				if strings.Contains(event, "one-password") || strings.Contains(event, "two-password") {
					t.Errorf("an event has the password: %s", event)
				}
			}
			f.acceptEmptyDatabase()
			f.reconcile()
			if f.set().Generation == before.Generation {
				t.Error("accepted, and the template has not changed")
			}
		})
	}
}
