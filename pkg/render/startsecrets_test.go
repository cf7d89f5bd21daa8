// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func TestStartSecretsListsWhatDfsReads(t *testing.T) {
	jwt := render.StartSecret{Name: "files-jwt-secret", Keys: []string{"jwt-secret"}, Purpose: render.PurposeJWT, Hashed: true}
	admin := render.StartSecret{Name: "files-admin-bootstrap-credentials", Keys: []string{"password"}, Purpose: render.PurposeAdmin}
	for _, tc := range []struct {
		name   string
		change func(*v1alpha1.DittoServerSpec)
		want   []render.StartSecret // beside the signing secret and the password of the admin
	}{
		{"generated credentials have the names of the DittoFS operator", func(*v1alpha1.DittoServerSpec) {}, nil},
		{"a postgres Secret has fixed keys, whatever key the reference names", func(s *v1alpha1.DittoServerSpec) {
			s.Database.PostgresSecretRef = &v1alpha1.SecretReference{Name: "pg", Key: "ignored"}
		}, []render.StartSecret{
			{Name: "pg", Keys: []string{"host", "database", "user", "password"}, OptionalKeys: []string{"port", "sslmode"},
				Purpose: render.PurposePostgres, Hashed: true},
		}},
		{"Percona brings the login and the CA, and a new one of either takes a restart", func(s *v1alpha1.DittoServerSpec) {
			s.Percona = &v1alpha1.PerconaSpec{Enabled: true}
		}, []render.StartSecret{
			{Name: "files-postgres-pguser-dittofs", Keys: []string{"host", "port", "user", "password"}, Purpose: render.PurposePercona, Hashed: true},
			{Name: "files-postgres-cluster-cert", Keys: []string{"ca.crt"}, Purpose: render.PurposePostgresCA, Hashed: true},
		}},
		{"Percona wins over a Secret", func(s *v1alpha1.DittoServerSpec) {
			s.Percona = &v1alpha1.PerconaSpec{Enabled: true}
			s.Database.PostgresSecretRef = &v1alpha1.SecretReference{Name: "pg"}
		}, []render.StartSecret{
			{Name: "files-postgres-pguser-dittofs", Keys: []string{"host", "port", "user", "password"}, Purpose: render.PurposePercona, Hashed: true},
			{Name: "files-postgres-cluster-cert", Keys: []string{"ca.crt"}, Purpose: render.PurposePostgresCA, Hashed: true},
		}},
		{"a cluster that is there has names of its own", func(s *v1alpha1.DittoServerSpec) {
			s.Percona = &v1alpha1.PerconaSpec{Enabled: true, UserName: "dfs", ExistingClusterRef: &v1alpha1.PerconaClusterReference{Name: "shared"},
				CASecretRef: &v1alpha1.SecretKeyReference{Name: "own-ca", Key: "root.pem"}}
		}, []render.StartSecret{
			{Name: "shared-pguser-dfs", Keys: []string{"host", "port", "user", "password"}, Purpose: render.PurposePercona, Hashed: true},
			{Name: "own-ca", Keys: []string{"root.pem"}, Purpose: render.PurposePostgresCA, Hashed: true},
		}},
		{"dfs looks for a renewed certificate by itself, and for a new client CA never", func(s *v1alpha1.DittoServerSpec) {
			s.ControlPlane = v1alpha1.ControlPlaneSpec{CertSecretName: "tls", ClientCASecretName: "callers", ClientCertSecretName: "ours"}
		}, []render.StartSecret{
			{Name: "tls", Keys: []string{"tls.crt", "tls.key"}, Purpose: render.PurposeTLS},
			{Name: "callers", Keys: []string{"ca.crt"}, Purpose: render.PurposeClientCA, Hashed: true},
		}},
		{"a client CA without a certificate is not read", func(s *v1alpha1.DittoServerSpec) {
			s.ControlPlane.ClientCASecretName = "callers"
		}, nil},
		{"the token of the metrics is read once", func(s *v1alpha1.DittoServerSpec) {
			s.Metrics = &v1alpha1.MetricsSpec{Enabled: true, BearerTokenSecret: &v1alpha1.SecretKeyReference{Name: "scrape", Key: "token"}}
		}, []render.StartSecret{{Name: "scrape", Keys: []string{"token"}, Purpose: render.PurposeMetricsToken, Hashed: true}}},
		{"metrics that are off need no token", func(s *v1alpha1.DittoServerSpec) {
			s.Metrics = &v1alpha1.MetricsSpec{BearerTokenSecret: &v1alpha1.SecretKeyReference{Name: "scrape", Key: "token"}}
		}, nil},
		{"the password for LDAP is a seed", func(s *v1alpha1.DittoServerSpec) { s.Identity.LDAP = directory(true) },
			[]render.StartSecret{{Name: "ldap", Keys: []string{"bind"}, Purpose: render.PurposeLDAP}}},
		{"LDAP that is off does without its password", func(s *v1alpha1.DittoServerSpec) { s.Identity.LDAP = directory(false) },
			[]render.StartSecret{{Name: "ldap", OptionalKeys: []string{"bind"}, Optional: true, Purpose: render.PurposeLDAP}}},
		{"of Kerberos the files that are read once are hashed", func(s *v1alpha1.DittoServerSpec) { s.Identity.Kerberos = realm(true) },
			[]render.StartSecret{
				{Name: "kerberos", Keys: []string{"keytab"}, Purpose: render.PurposeKeytab},
				{Name: "kerberos", Keys: []string{"krb5"}, Purpose: render.PurposeKrb5Conf, Hashed: true},
				{Name: "machine", Keys: []string{"password"}, Purpose: render.PurposeMachineAccount},
				{Name: "machine", Keys: []string{"keytab"}, Purpose: render.PurposeMachineKeytab, Hashed: true},
			}},
		{"Kerberos that is off does without its files", func(s *v1alpha1.DittoServerSpec) { s.Identity.Kerberos = realm(false) },
			[]render.StartSecret{
				{Name: "kerberos", OptionalKeys: []string{"keytab"}, Optional: true, Purpose: render.PurposeKeytab},
				{Name: "kerberos", OptionalKeys: []string{"krb5"}, Optional: true, Purpose: render.PurposeKrb5Conf},
				{Name: "machine", OptionalKeys: []string{"password"}, Optional: true, Purpose: render.PurposeMachineAccount},
				{Name: "machine", OptionalKeys: []string{"keytab"}, Optional: true, Purpose: render.PurposeMachineKeytab},
			}},
		{"variables of the user are read once, each Secret is listed once", func(s *v1alpha1.DittoServerSpec) {
			s.ExtraEnv = []corev1.EnvVar{fromSecret("A", "b", "one", true), {Name: "B", Value: "plain"}, fromSecret("C", "a", "two", true),
				fromSecret("D", "b", "three", false), fromSecret("E", "b", "three", false)}
		}, []render.StartSecret{
			{Name: "b", Keys: []string{"three"}, OptionalKeys: []string{"one"}, Purpose: render.PurposeExtraEnv, Hashed: true},
			{Name: "a", OptionalKeys: []string{"two"}, Optional: true, Purpose: render.PurposeExtraEnv, Hashed: true},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := append([]render.StartSecret{jwt, admin}, tc.want...)
			if diff := cmp.Diff(want, render.StartSecrets(minimal(tc.change))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReferencesOfTheUserReplaceGeneratedCredentials(t *testing.T) {
	got := render.StartSecrets(minimal(func(s *v1alpha1.DittoServerSpec) {
		s.Identity.JWT.SecretRef = &v1alpha1.SecretKeyReference{Name: "mine", Key: "jwt"}
		s.Identity.Admin.PasswordSecretRef = &v1alpha1.SecretKeyReference{Name: "mine", Key: "admin"}
	}))
	want := []render.StartSecret{
		{Name: "mine", Keys: []string{"jwt"}, Purpose: render.PurposeJWT, Hashed: true},
		{Name: "mine", Keys: []string{"admin"}, Purpose: render.PurposeAdmin},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func directory(enabled bool) *v1alpha1.LDAPSpec {
	return &v1alpha1.LDAPSpec{Enabled: enabled, URL: "ldaps://directory.example.com", BaseDN: "dc=example", BindDN: "cn=dfs,dc=example",
		BindPasswordSecretRef: &v1alpha1.SecretKeyReference{Name: "ldap", Key: "bind"}}
}

func realm(enabled bool) *v1alpha1.KerberosSpec {
	key := func(name, key string) *v1alpha1.SecretKeyReference {
		return &v1alpha1.SecretKeyReference{Name: name, Key: key}
	}
	return &v1alpha1.KerberosSpec{Enabled: enabled, ServicePrincipal: "nfs/files@EXAMPLE.COM",
		KeytabSecretRef: key("kerberos", "keytab"), Krb5ConfSecretRef: key("kerberos", "krb5"),
		MachineAccount: &v1alpha1.MachineAccountSpec{Enabled: true, AccountName: "FILES$",
			SecretRef: key("machine", "password"), KeytabSecretRef: key("machine", "keytab")}}
}

func fromSecret(variable, secret, key string, optional bool) corev1.EnvVar {
	selector := &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: key}
	if optional {
		selector.Optional = &optional
	}
	return corev1.EnvVar{Name: variable, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: selector}}
}

// The pod starts exactly when the Secrets that StartSecrets lists are there: it asks for no other key, and for none more
// firmly. Only the first password of the admin is asked for less firmly: see environment.
func TestThePodAsksForWhatStartSecretsLists(t *testing.T) {
	for _, tc := range rendered {
		t.Run(tc.name, func(t *testing.T) {
			server, in := tc.read(t)
			listed, asked := map[render.SecretKey]bool{}, map[render.SecretKey]bool{}
			for _, s := range render.StartSecrets(server) {
				for _, key := range s.Keys {
					listed[render.SecretKey{Name: s.Name, Key: key}] = true
				}
				for _, key := range s.OptionalKeys {
					listed[render.SecretKey{Name: s.Name, Key: key}] = tc.keys[key]
				}
			}
			set := statefulSet(t, all(t, server, in))
			ask := func(name, key string, optional *bool) {
				asked[render.SecretKey{Name: name, Key: key}] = optional == nil || !*optional
			}
			for _, env := range container(t, set).Env {
				if env.ValueFrom != nil {
					ask(env.ValueFrom.SecretKeyRef.Name, env.ValueFrom.SecretKeyRef.Key, env.ValueFrom.SecretKeyRef.Optional)
				}
			}
			for _, volume := range set.Spec.Template.Spec.Volumes {
				if volume.Secret != nil {
					for _, item := range volume.Secret.Items {
						ask(volume.Secret.SecretName, item.Key, volume.Secret.Optional)
					}
				}
			}
			for key, firmly := range asked {
				needed, ok := listed[key]
				switch {
				case !ok:
					t.Errorf("key %s of Secret %s is not in StartSecrets", key.Key, key.Name)
				case firmly && !needed:
					t.Errorf("the pod does not start without key %s of Secret %s, and nobody waits for it", key.Key, key.Name)
				}
			}
			for key, needed := range listed {
				if _, ok := asked[key]; needed && !ok {
					t.Errorf("key %s of Secret %s is waited for and not used", key.Key, key.Name)
				}
			}
		})
	}
}
