// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package secretaccess

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

type spec = dittofsv1alpha1.DittoServerSpec

func TestWhatDecidesWhatRunsAndWhereCredentialsGo(t *testing.T) {
	base := func() *spec {
		return &spec{
			Percona: &dittofsv1alpha1.PerconaSpec{Enabled: true, Backup: &dittofsv1alpha1.PerconaBackupSpec{Endpoint: "s3.example.com"}},
			Metrics: &dittofsv1alpha1.MetricsSpec{Enabled: true},
		}
	}
	key := &dittofsv1alpha1.SecretKeyReference{Name: "s", Key: "k"}
	for name, change := range map[string]func(*spec){
		"image":                   func(s *spec) { s.Image = "x" },
		"imagePullSecrets":        func(s *spec) { s.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "s"}} },
		"extraEnv":                func(s *spec) { s.ExtraEnv = []corev1.EnvVar{{Name: "A"}} },
		"extraVolumes":            func(s *spec) { s.ExtraVolumes = []corev1.Volume{{Name: "v"}} },
		"extraVolumeMounts":       func(s *spec) { s.ExtraVolumeMounts = []corev1.VolumeMount{{Name: "v"}} },
		"config":                  func(s *spec) { s.Config = map[string]dittofsv1alpha1.Value{"gc": {Raw: []byte("{}")}} },
		"identity.ldap":           func(s *spec) { s.Identity.LDAP = &dittofsv1alpha1.LDAPSpec{URL: "ldaps://elsewhere"} },
		"identity.kerberos":       func(s *spec) { s.Identity.Kerberos = &dittofsv1alpha1.KerberosSpec{} },
		"identity.jwt":            func(s *spec) { s.Identity.JWT.SecretRef = key },
		"identity.admin":          func(s *spec) { s.Identity.Admin.PasswordSecretRef = key },
		"database":                func(s *spec) { s.Database.Type = dittofsv1alpha1.DatabasePostgres },
		"percona.enabled":         func(s *spec) { s.Percona.Enabled = false },
		"percona.images":          func(s *spec) { s.Percona.Images.Postgres = "x" },
		"percona.backup endpoint": func(s *spec) { s.Percona.Backup.Endpoint = "elsewhere" },
		"percona.backup bucket":   func(s *spec) { s.Percona.Backup.Bucket = "mine" },
		"percona.backup Secret": func(s *spec) {
			s.Percona.Backup.CredentialsSecretRef = &dittofsv1alpha1.LocalSecretReference{Name: "s"}
		},
		"controlPlane.certSecret": func(s *spec) { s.ControlPlane.CertSecretName = "s" },
		"controlPlane.clientCA":   func(s *spec) { s.ControlPlane.ClientCASecretName = "s" },
		"controlPlane.clientCert": func(s *spec) { s.ControlPlane.ClientCertSecretName = "s" },
		"controlPlane.tlsName":    func(s *spec) { s.ControlPlane.TLSServerName = "elsewhere" },
		"controlPlane.ingress":    func(s *spec) { s.ControlPlane.Ingress = &dittofsv1alpha1.IngressSpec{Host: "elsewhere"} },
		"metrics token":           func(s *spec) { s.Metrics.BearerTokenSecret = key },
		"serviceAccountName":      func(s *spec) { s.ServiceAccountName = "x" },
		// Sidecars are injected by labels and annotations.
		"podLabels":      func(s *spec) { s.PodLabels = map[string]string{"inject": "true"} },
		"podAnnotations": func(s *spec) { s.PodAnnotations = map[string]string{"inject": "true"} },
	} {
		t.Run(name, func(t *testing.T) {
			changed := base()
			change(changed)
			if !decidesWhatRuns(changed, base()) {
				t.Error("nobody is asked about")
			}
		})
	}
	size := ptr.To(resource.MustParse("1Gi"))
	for name, change := range map[string]func(*spec){
		"replicas":                 func(s *spec) { s.Replicas = ptr.To[int32](0) },
		"paused":                   func(s *spec) { s.Paused = true },
		"rollout":                  func(s *spec) { s.Rollout = dittofsv1alpha1.RolloutOnRequest },
		"storage":                  func(s *spec) { s.Storage.MetadataSize = size },
		"resources":                func(s *spec) { s.Resources = &corev1.ResourceRequirements{} },
		"logging":                  func(s *spec) { s.Logging.Level = dittofsv1alpha1.LogDebug },
		"tolerations":              func(s *spec) { s.Tolerations = []corev1.Toleration{{}} },
		"service":                  func(s *spec) { s.Service.Type = corev1.ServiceTypeNodePort },
		"networkPolicy":            func(s *spec) { s.NetworkPolicy.Enabled = ptr.To(false) },
		"snapshotPolicies":         func(s *spec) { s.SnapshotPolicies = []dittofsv1alpha1.SnapshotPolicy{{Share: "/a"}} },
		"metrics.path":             func(s *spec) { s.Metrics.Path = "/m" },
		"percona.storageSize":      func(s *spec) { s.Percona.StorageSize = size },
		"percona.backup schedules": func(s *spec) { s.Percona.Backup.FullSchedule = "0 3 * * *" },
	} {
		t.Run(name, func(t *testing.T) {
			changed := base()
			change(changed)
			if decidesWhatRuns(changed, base()) {
				t.Error("it decides nothing of the kind")
			}
		})
	}
}
