// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Purposes of the Secrets that dfs reads at its start.
const (
	PurposeJWT            = "jwt"
	PurposeAdmin          = "admin"
	PurposePostgres       = "postgres"
	PurposePercona        = "percona"
	PurposePostgresCA     = "postgres-ca"
	PurposeTLS            = "tls"
	PurposeClientCA       = "client-ca"
	PurposeMetricsToken   = "metrics-token"
	PurposeLDAP           = "ldap"
	PurposeKeytab         = "kerberos-keytab"
	PurposeKrb5Conf       = "kerberos-krb5conf"
	PurposeMachineAccount = "machine-account"
	PurposeMachineKeytab  = "machine-account-keytab"
	PurposeExtraEnv       = "extra-env"
)

// The keys of a postgres Secret, and of the one that Percona makes for a user, in the order of the environment variables
// that they become.
var (
	postgresKeys         = []string{"host", "database", "user", "password"}
	postgresOptionalKeys = []string{"port", "sslmode"}
	perconaKeys          = []string{"host", "port", "user", "password"}
)

// StartSecret is a Secret that a start of dfs needs. Volumes of the user are not among them: whether what is in those is
// read once or again and again, only the user knows.
type StartSecret struct {
	// Name of the Secret, in the namespace of the DittoServer.
	Name string
	// Keys must be there; OptionalKeys may be.
	Keys         []string
	OptionalKeys []string
	// Optional tells that the pod starts without the Secret too. It has no Keys then.
	Optional bool
	// Purpose is one of the Purpose constants: a word for messages.
	Purpose string
	// Hashed tells that a changed value needs a restart, so that it belongs in the config hash. The others are read again
	// when they change, or are seeds: dfs reads those into its database once, and a later value changes nothing there.
	Hashed bool
}

// StartSecrets lists them, always in the same order. One Secret that serves two purposes is listed twice.
func StartSecrets(server *v1alpha1.DittoServer) []StartSecret {
	jwt, admin := JWTSecret(server), AdminPassword(server)
	secrets := []StartSecret{
		{Name: jwt.Name, Keys: []string{jwt.Key}, Purpose: PurposeJWT, Hashed: true},
		// A seed, read when dfs creates the account in an empty database.
		{Name: admin.Name, Keys: []string{admin.Key}, Purpose: PurposeAdmin},
	}
	secrets = append(secrets, databaseSecrets(server)...)
	if nativeTLS(server) {
		// dfs looks every time whether the files have changed.
		secrets = append(secrets, StartSecret{Name: server.Spec.ControlPlane.CertSecretName,
			Keys: []string{certKey, certKeyKey}, Purpose: PurposeTLS})
	}
	if mutualTLS(server) {
		secrets = append(secrets, StartSecret{Name: server.Spec.ControlPlane.ClientCASecretName,
			Keys: []string{caKey}, Purpose: PurposeClientCA, Hashed: true})
	}
	if metrics := enabledMetrics(server); metrics != nil {
		secrets = appendKey(secrets, metrics.BearerTokenSecret, PurposeMetricsToken, true, true)
	}
	secrets = append(secrets, directorySecrets(server)...)
	return append(secrets, extraEnvSecrets(server.Spec.ExtraEnv)...)
}

func databaseSecrets(server *v1alpha1.DittoServer) []StartSecret {
	if percona(server).Enabled {
		ca := PerconaCASecret(server)
		return []StartSecret{
			{Name: PerconaUserSecretName(server), Keys: slices.Clone(perconaKeys), Purpose: PurposePercona, Hashed: true},
			// With another CA the server does not reach its database before it is started again.
			{Name: ca.Name, Keys: []string{ca.Key}, Purpose: PurposePostgresCA, Hashed: true},
		}
	}
	ref := server.Spec.Database.PostgresSecretRef
	if ref == nil {
		return nil
	}
	return []StartSecret{{
		Name:         ref.Name,
		Keys:         slices.Clone(postgresKeys),
		OptionalKeys: slices.Clone(postgresOptionalKeys),
		Purpose:      PurposePostgres,
		Hashed:       true,
	}}
}

// directorySecrets are needed while what they are for is switched on. The passwords are seeds. dfs looks at the keytab every
// minute; krb5.conf it reads at its start only.
func directorySecrets(server *v1alpha1.DittoServer) []StartSecret {
	var secrets []StartSecret
	if ldap := server.Spec.Identity.LDAP; ldap != nil {
		secrets = appendKey(secrets, ldap.BindPasswordSecretRef, PurposeLDAP, ldap.Enabled, false)
	}
	kerberos := server.Spec.Identity.Kerberos
	if kerberos == nil {
		return secrets
	}
	account, used := machineAccount(server), usesMachineAccount(server)
	secrets = appendKey(secrets, kerberos.KeytabSecretRef, PurposeKeytab, kerberos.Enabled, false)
	secrets = appendKey(secrets, kerberos.Krb5ConfSecretRef, PurposeKrb5Conf, kerberos.Enabled, kerberos.Enabled)
	secrets = appendKey(secrets, account.SecretRef, PurposeMachineAccount, used, false)
	return appendKey(secrets, account.KeytabSecretRef, PurposeMachineKeytab, used, used)
}

func appendKey(secrets []StartSecret, ref *v1alpha1.SecretKeyReference, purpose string, needed, hashed bool) []StartSecret {
	if ref == nil {
		return secrets
	}
	secret := StartSecret{Name: ref.Name, Purpose: purpose, Hashed: hashed}
	if needed {
		secret.Keys = []string{ref.Key}
	} else {
		secret.OptionalKeys, secret.Optional = []string{ref.Key}, true
	}
	return append(secrets, secret)
}

// extraEnvSecrets has one entry for each Secret, in the order in which the variables first name it. The kubelet reads it at
// the start of the container, so that a changed value takes a restart to arrive.
func extraEnvSecrets(env []corev1.EnvVar) []StartSecret {
	var secrets []StartSecret
	for i := range env {
		if env[i].ValueFrom == nil || env[i].ValueFrom.SecretKeyRef == nil {
			continue
		}
		ref := env[i].ValueFrom.SecretKeyRef
		at := slices.IndexFunc(secrets, func(s StartSecret) bool { return s.Name == ref.Name })
		if at < 0 {
			at = len(secrets)
			secrets = append(secrets, StartSecret{Name: ref.Name, Purpose: PurposeExtraEnv, Hashed: true, Optional: true})
		}
		secret := &secrets[at]
		keys := &secret.OptionalKeys
		if !ptr.Deref(ref.Optional, false) {
			keys, secret.Optional = &secret.Keys, false
		}
		if !slices.Contains(*keys, ref.Key) {
			*keys = append(*keys, ref.Key)
		}
	}
	return secrets
}
