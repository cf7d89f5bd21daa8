// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"testing"

	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

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
