// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func TestReferencedSecretsAreAllThatTheSpecLeadsTo(t *testing.T) {
	key := func(name string) *v1alpha1.SecretKeyReference {
		return &v1alpha1.SecretKeyReference{Name: name, Key: "k"}
	}
	local := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	generated := []string{"files-admin-bootstrap-credentials", "files-jwt-secret"}
	for _, tc := range []struct {
		name   string
		change func(*v1alpha1.DittoServerSpec)
		want   []string // beside the generated ones
	}{
		{"generated ones too", func(*v1alpha1.DittoServerSpec) {}, nil},
		{"a database of the user", func(s *v1alpha1.DittoServerSpec) {
			s.Database.PostgresSecretRef = &v1alpha1.SecretReference{Name: "pg"}
		}, []string{"pg"}},
		{"one by Percona, with its backups", func(s *v1alpha1.DittoServerSpec) {
			s.Percona = &v1alpha1.PerconaSpec{Enabled: true, Backup: &v1alpha1.PerconaBackupSpec{CredentialsSecretRef: &v1alpha1.LocalSecretReference{Name: "s3"}}}
		}, []string{"files-postgres-cluster-cert", "files-postgres-pguser-dittofs", "s3"}},
		{"what is named for a part that is switched off", func(s *v1alpha1.DittoServerSpec) {
			s.Percona = &v1alpha1.PerconaSpec{CASecretRef: key("own-ca"), Backup: &v1alpha1.PerconaBackupSpec{CredentialsSecretRef: &v1alpha1.LocalSecretReference{Name: "s3"}}}
			s.Metrics = &v1alpha1.MetricsSpec{BearerTokenSecret: key("scrape")}
			s.ControlPlane.ClientCASecretName = "callers"
			s.Identity.LDAP, s.Identity.Kerberos = directory(false), realm(false)
		}, []string{"callers", "kerberos", "ldap", "machine", "own-ca", "s3", "scrape"}},
		{"of the API all", func(s *v1alpha1.DittoServerSpec) {
			s.ControlPlane = v1alpha1.ControlPlaneSpec{CertSecretName: "tls", ClientCASecretName: "callers", ClientCertSecretName: "ours",
				Ingress: &v1alpha1.IngressSpec{Host: "files.example.com", TLSSecretName: "public"}}
		}, []string{"callers", "ours", "public", "tls"}},
		{"of the pod all", func(s *v1alpha1.DittoServerSpec) {
			s.ImagePullSecrets = []corev1.LocalObjectReference{local("registry")}
			s.ExtraEnv = []corev1.EnvVar{fromSecret("A", "env", "k", true)}
			s.ExtraVolumes = []corev1.Volume{
				{Name: "a", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "volume"}}},
				{Name: "b", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
					{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: local("none")}}, {Secret: &corev1.SecretProjection{LocalObjectReference: local("projected")}}}}}},
				{Name: "c", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{NodePublishSecretRef: new(local("driver"))}}},
				{Name: "d", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{}}},
			}
		}, []string{"driver", "env", "projected", "registry", "volume"}},
		{"each one once", func(s *v1alpha1.DittoServerSpec) {
			s.ControlPlane.CertSecretName, s.ControlPlane.ClientCertSecretName = "tls", "tls"
		}, []string{"tls"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			want := slices.Sorted(slices.Values(append(slices.Clone(generated), tc.want...)))
			if got := render.ReferencedSecrets(minimal(tc.change)); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
