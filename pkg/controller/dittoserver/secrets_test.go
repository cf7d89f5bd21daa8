// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

const goodSecret = "0123456789abcdef0123456789abcdef"

func ownJWT(s *dittofsv1alpha1.DittoServer) {
	s.Spec.Identity.JWT.SecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "mine", Key: "k"}
}

func (f *fixture) secret(name string, data map[string]string) *corev1.Secret {
	f.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: f.key.Namespace, Name: name}, StringData: data}
	f.do(f.admin.Create(f.t.Context(), secret))
	return secret
}

func TestAStartSecretThatCannotBeUsedKeepsTheServerFromStarting(t *testing.T) {
	tests := []struct {
		name   string
		data   map[string]string
		reason string
		says   []string
	}{
		{"it does not exist", nil, reasonSecretNotFound, []string{"mine", `"k"`}},
		{"its key is missing", map[string]string{"other": goodSecret}, reasonSecretKeyMissing, []string{"mine", `"k"`}},
		{"it is too short", map[string]string{"k": goodSecret[1:]}, reasonSecretTooShort, []string{"31 bytes", "32"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t, ownJWT)
			if tt.data != nil {
				f.secret("mine", tt.data)
			}
			f.reconcile()
			f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, tt.reason, tt.says...)
			f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, tt.reason)
			if !f.gone(&appsv1.StatefulSet{}, "files") {
				t.Error("the StatefulSet was created")
			}
			get(f, &corev1.Service{}, "files-api")
			if !hasPrefix(f.events.take(), "Warning "+tt.reason) {
				t.Error("there was no warning")
			}
		})
	}
}

func TestASecretThatLacksSeveralKeysIsOneSentence(t *testing.T) {
	f := newFixture(t, func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Database = dittofsv1alpha1.DatabaseSpec{PostgresSecretRef: &dittofsv1alpha1.SecretReference{Name: "pg"}}
	})
	f.secret("pg", map[string]string{"port": "5432"})
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, reasonSecretKeyMissing, "lacks the keys", `"host"`, `"password"`)
	message := meta.FindStatusCondition(f.server().Status.Conditions, dittofsv1alpha1.ConditionConfigReady).Message
	if n := strings.Count(message, "Secret pg"); n != 1 {
		t.Errorf("the Secret is named %d times: %s", n, message)
	}
}

func TestALostSecretKeepsTemplateConfigAndPodAsTheyAre(t *testing.T) {
	f := newFixture(t, ownJWT)
	secret := f.secret("mine", map[string]string{"k": goodSecret})
	f.up()
	before := f.set()
	config := get(f, &corev1.ConfigMap{}, "files-config").Data[render.ConfigKey]
	f.do(f.admin.Delete(t.Context(), secret))
	// Image and port would change the template, the number of replicas only the StatefulSet.
	f.edit(func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Image = "example.com/dfs:1"
		s.Spec.ControlPlane.Port = ptr.To[int32](9443)
		s.Spec.Replicas = ptr.To[int32](0)
	})
	f.reconcile()
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, reasonSecretNotFound, "stay as they are")
	held := f.set()
	if got, want := held.Spec.Template.String(), before.Spec.Template.String(); got != want {
		t.Errorf("the template went from\n%s\nto\n%s", want, got)
	}
	if *held.Spec.Replicas != 0 {
		t.Error("the server was not stopped")
	}
	if now := get(f, &corev1.ConfigMap{}, "files-config").Data[render.ConfigKey]; now != config {
		t.Error("the configuration of a held template was changed")
	}
	if f.server().Status.ConfigHash != before.Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash] {
		t.Error("status.configHash is not that of the template")
	}
	f.host.take()
	f.reconcile()
	if writes := f.host.take(); len(writes) > 0 {
		t.Errorf("while held, there were writes: %q", writes)
	}

	f.secret("mine", map[string]string{"k": goodSecret})
	f.reconcile()
	after := f.set().Spec.Template
	if after.Spec.Containers[0].Image != "example.com/dfs:1" {
		t.Errorf("after the Secret came back the image is %s", after.Spec.Containers[0].Image)
	}
	f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionTrue, reasonConfigApplied)
}

func TestARotatedSecretChangesTheHashAndAnUntouchedOneIsNotReadAgain(t *testing.T) {
	f := newFixture(t, ownJWT)
	secret := f.secret("mine", map[string]string{"k": goodSecret})
	f.up()
	hash := f.server().Status.ConfigHash
	known, ok := f.rec.hashes.get(f.key)
	if !ok || strings.Contains(known.fingerprint, goodSecret) {
		t.Fatal("the outcome is not remembered, or with the secret in it")
	}
	secret.StringData = map[string]string{"unrelated": "x"}
	f.do(f.admin.Update(t.Context(), secret))
	f.reconcile()
	if now := f.server().Status.ConfigHash; now != hash {
		t.Error("another key of the Secret changed the hash")
	}
	secret.StringData = map[string]string{"k": strings.ToUpper(goodSecret)}
	f.do(f.admin.Update(t.Context(), secret))
	f.reconcile()
	if now := f.server().Status.ConfigHash; now == hash {
		t.Error("the hash is the same after a rotation")
	}
}

func TestTheAdminPasswordMattersAtTheFirstStartOnly(t *testing.T) {
	f := newFixture(t, func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Identity.Admin.PasswordSecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "admin", Key: "p"}
	})
	secret := f.secret("admin", map[string]string{"p": "seven.."})
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, reasonSecretTooShort, "8 to 72")
	secret.StringData = map[string]string{"p": "eight..."}
	f.do(f.admin.Update(t.Context(), secret))
	f.up()
	generation := f.set().Generation
	f.do(f.admin.Delete(t.Context(), secret))
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
	if f.set().Generation != generation {
		t.Error("the StatefulSet was changed")
	}
}

func TestWithoutTheRightToGenerateTheConditionSaysWhatToDo(t *testing.T) {
	f := newFixtureAs(t, baseConfig)
	if res := f.reconcile(); res.RequeueAfter == 0 {
		t.Error("it does not try again: nobody tells it of new rights")
	}
	f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, reasonCredentialsRefused,
		"spec.identity.jwt.secretRef", "generate-credentials")
	if !f.gone(&appsv1.StatefulSet{}, "files") {
		t.Error("the StatefulSet was created")
	}
	get(f, &corev1.ConfigMap{}, "files-config")
}

func TestAGeneratedSecretIsNeverRewritten(t *testing.T) {
	f := newFixture(t)
	f.reconcile()
	jwt := get(f, &corev1.Secret{}, "files-jwt-secret")
	jwt.Data = map[string][]byte{"elsewhere": []byte("x")}
	f.do(f.admin.Update(t.Context(), jwt))
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionConfigReady, metav1.ConditionFalse, reasonSecretKeyMissing, "files-jwt-secret")
	if now := get(f, &corev1.Secret{}, "files-jwt-secret"); now.ResourceVersion != jwt.ResourceVersion {
		t.Error("it was written")
	}
}

func TestADeletedGeneratedJWTSecretIsMadeAnewAndTold(t *testing.T) {
	f := newFixture(t)
	f.up()
	hash := f.server().Status.ConfigHash
	f.do(f.admin.Delete(t.Context(), get(f, &corev1.Secret{}, "files-jwt-secret")))
	f.events.take()
	f.reconcile()
	if f.server().Status.ConfigHash == hash {
		t.Error("the server goes on with a secret that nobody has")
	}
	if events := f.events.take(); !hasPrefix(events, "Warning "+reasonGeneratedAnew) {
		t.Errorf("events were %q", events)
	}
}

func TestNoSecretValueIsSaidAnywhere(t *testing.T) {
	f := newFixture(t)
	f.up()
	var values []string
	for _, name := range []string{"files-jwt-secret", "files-admin-bootstrap-credentials"} {
		for key, v := range get(f, &corev1.Secret{}, name).Data {
			if key != render.AdminUsernameKey {
				values = append(values, string(v))
			}
		}
	}
	said := strings.Join(f.events.take(), "\n") + fmt.Sprint(f.server().Status, f.server().Annotations, f.set(), get(f, &corev1.ConfigMap{}, "files-config").Data)
	for _, v := range values {
		if strings.Contains(said, v) {
			t.Error("a secret value is in an event, a status or an object")
		}
	}
}

func TestPostgresKeysReachTheEnvironmentAndTheHash(t *testing.T) {
	f := newFixture(t, func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Database = dittofsv1alpha1.DatabaseSpec{Type: dittofsv1alpha1.DatabasePostgres, PostgresSecretRef: &dittofsv1alpha1.SecretReference{Name: "pg"}}
	})
	pg := f.secret("pg", map[string]string{"host": "h", "database": "d", "user": "u", "password": "p", "sslmode": "require"})
	f.reconcile()
	hash := f.server().Status.ConfigHash
	var env []string
	for _, e := range f.set().Spec.Template.Spec.Containers[0].Env {
		env = append(env, e.Name)
	}
	if all := strings.Join(env, " "); !strings.Contains(all, "POSTGRES_SSLMODE") || strings.Contains(all, "POSTGRES_PORT") {
		t.Errorf("the environment is %s", all)
	}
	pg.StringData = map[string]string{"password": "q"}
	f.do(f.admin.Update(t.Context(), pg))
	f.reconcile()
	if f.server().Status.ConfigHash == hash {
		t.Error("a rotated password did not change the hash")
	}
}
