// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"

// SecretKey names one key of a Secret in the namespace of the DittoServer.
type SecretKey struct{ Name, Key string }

// Purposes of the Secrets that dfs reads at its start.
const (
	PurposeJWT      = "jwt"
	PurposeAdmin    = "admin"
	PurposePostgres = "postgres"
)

// The keys of a postgres Secret, in the order of the environment variables that they become.
var (
	postgresKeys         = []string{"host", "database", "user", "password"}
	postgresOptionalKeys = []string{"port", "sslmode"}
)

// StartSecret is a Secret of which dfs reads keys at its start, and never again.
type StartSecret struct {
	// Name of the Secret, in the namespace of the DittoServer.
	Name string
	// Keys must be there; OptionalKeys may be.
	Keys         []string
	OptionalKeys []string
	// Purpose is one of the Purpose constants: a word for messages.
	Purpose string
	// Hashed tells that a changed value needs a restart, so that it belongs in the config hash.
	Hashed bool
}

// JWTSecret is the signing secret: the user's reference, or the key of the generated Secret.
func JWTSecret(server *v1alpha1.DittoServer) SecretKey {
	if ref := server.Spec.Identity.JWT.SecretRef; ref != nil {
		return SecretKey{Name: ref.Name, Key: ref.Key}
	}
	return SecretKey{Name: JWTSecretName(server.Name), Key: JWTSecretKey}
}

// AdminPassword is the first password of the admin: the user's reference, or the key of the generated Secret.
func AdminPassword(server *v1alpha1.DittoServer) SecretKey {
	if ref := server.Spec.Identity.Admin.PasswordSecretRef; ref != nil {
		return SecretKey{Name: ref.Name, Key: ref.Key}
	}
	return SecretKey{Name: AdminSecretName(server.Name), Key: AdminPasswordKey}
}

// StartSecrets lists every Secret that dfs reads at its start, always in the same order. One Secret that serves two
// purposes is listed twice.
func StartSecrets(server *v1alpha1.DittoServer) []StartSecret {
	jwt, admin := JWTSecret(server), AdminPassword(server)
	secrets := []StartSecret{
		{Name: jwt.Name, Keys: []string{jwt.Key}, Purpose: PurposeJWT, Hashed: true},
		// A seed: dfs reads it once, when it creates the account in an empty database. A later value changes nothing in the
		// server, so it must not restart it either.
		{Name: admin.Name, Keys: []string{admin.Key}, Purpose: PurposeAdmin},
	}
	if ref := server.Spec.Database.PostgresSecretRef; ref != nil {
		secrets = append(secrets, StartSecret{
			Name:         ref.Name,
			Keys:         append([]string(nil), postgresKeys...),
			OptionalKeys: append([]string(nil), postgresOptionalKeys...),
			Purpose:      PurposePostgres,
			Hashed:       true,
		})
	}
	return secrets
}
