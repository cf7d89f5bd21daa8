// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func TestStartSecretsListsWhatDfsReads(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*v1alpha1.DittoServerSpec)
		want   []render.StartSecret
	}{
		{"generated credentials have the names of the DittoFS operator", func(*v1alpha1.DittoServerSpec) {}, []render.StartSecret{
			{Name: "files-jwt-secret", Keys: []string{"jwt-secret"}, Purpose: render.PurposeJWT, Hashed: true},
			{Name: "files-admin-bootstrap-credentials", Keys: []string{"password"}, Purpose: render.PurposeAdmin},
		}},
		{"references of the user replace them", func(s *v1alpha1.DittoServerSpec) {
			s.Identity.JWT.SecretRef = &v1alpha1.SecretKeyReference{Name: "mine", Key: "jwt"}
			s.Identity.Admin.PasswordSecretRef = &v1alpha1.SecretKeyReference{Name: "mine", Key: "admin"}
		}, []render.StartSecret{
			{Name: "mine", Keys: []string{"jwt"}, Purpose: render.PurposeJWT, Hashed: true},
			{Name: "mine", Keys: []string{"admin"}, Purpose: render.PurposeAdmin},
		}},
		{"a postgres Secret has fixed keys, whatever key the reference names", func(s *v1alpha1.DittoServerSpec) {
			s.Database.PostgresSecretRef = &v1alpha1.SecretReference{Name: "pg", Key: "ignored"}
		}, []render.StartSecret{
			{Name: "files-jwt-secret", Keys: []string{"jwt-secret"}, Purpose: render.PurposeJWT, Hashed: true},
			{Name: "files-admin-bootstrap-credentials", Keys: []string{"password"}, Purpose: render.PurposeAdmin},
			{Name: "pg", Keys: []string{"host", "database", "user", "password"}, OptionalKeys: []string{"port", "sslmode"},
				Purpose: render.PurposePostgres, Hashed: true},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, render.StartSecrets(minimal(tc.change))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStartSecretsCoversTheEnvironmentOfThePod(t *testing.T) {
	for _, tc := range rendered {
		t.Run(tc.name, func(t *testing.T) {
			server, in := readCase(t, tc.file)
			in.PostgresKeys = tc.keys
			read := map[render.SecretKey]bool{}
			for _, s := range render.StartSecrets(server) {
				for _, key := range append(s.Keys, s.OptionalKeys...) {
					read[render.SecretKey{Name: s.Name, Key: key}] = true
				}
			}
			for _, env := range container(t, statefulSet(t, all(t, server, in))).Env {
				ref := env.ValueFrom.SecretKeyRef
				if !read[render.SecretKey{Name: ref.Name, Key: ref.Key}] {
					t.Errorf("%s comes from key %s of Secret %s, which StartSecrets does not list", env.Name, ref.Key, ref.Name)
				}
			}
		})
	}
}

func TestGeneratedSecretBelongsToTheServerAndCanBeRotated(t *testing.T) {
	data := map[string][]byte{render.JWTSecretKey: []byte("x")}
	got := render.GeneratedSecret(minimal(), render.JWTSecretName("files"), data)
	if got.Name != "files-jwt-secret" || got.Namespace != "team-a" || got.Type != "Opaque" || got.Immutable != nil || len(got.OwnerReferences) > 0 {
		t.Errorf("unexpected Secret: %v", got.ObjectMeta)
	}
	for key, value := range render.ObjectLabels(minimal()) {
		if got.Labels[key] != value {
			t.Errorf("label %s is %q, want %q", key, got.Labels[key], value)
		}
	}
	data["later"] = nil
	if len(got.Data) != 1 {
		t.Error("the Secret shares its data with the caller")
	}
}
