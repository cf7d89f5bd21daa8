// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func dfs(t *testing.T, changes ...func(*v1alpha1.DittoServerSpec)) corev1.Container {
	t.Helper()
	return container(t, statefulSet(t, all(t, minimal(changes...), render.Inputs{ConfigHash: "x"})))
}

func TestProbesAskWhatTheKubeletCanAsk(t *testing.T) {
	port := intstr.FromString("api")
	get := func(path string, scheme corev1.URIScheme) corev1.ProbeHandler {
		return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: port, Scheme: scheme}}
	}
	connect := corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: port}}
	for _, tc := range []struct {
		name          string
		api           v1alpha1.ControlPlaneSpec
		alive, readys corev1.ProbeHandler
	}{
		{"plain HTTP", v1alpha1.ControlPlaneSpec{}, get("/health", ""), get("/health/ready", "")},
		{"TLS, which the kubelet does not verify", v1alpha1.ControlPlaneSpec{CertSecretName: "tls"}, get("/health", "HTTPS"), get("/health/ready", "HTTPS")},
		{"mutual TLS, for which it has no certificate", v1alpha1.ControlPlaneSpec{CertSecretName: "tls", ClientCASecretName: "ca"}, connect, connect},
		{"a client CA alone, which dfs does not know either", v1alpha1.ControlPlaneSpec{ClientCASecretName: "ca"}, get("/health", ""), get("/health/ready", "")},
		{"the field tls alone, which is not read", v1alpha1.ControlPlaneSpec{TLS: true}, get("/health", ""), get("/health/ready", "")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := dfs(t, func(s *v1alpha1.DittoServerSpec) { s.ControlPlane = tc.api })
			for _, probe := range []struct {
				name      string
				got, want *corev1.Probe
			}{
				// An S3 remote that is away costs 160 s, and there may be many.
				{"startup", c.StartupProbe, &corev1.Probe{ProbeHandler: tc.alive, PeriodSeconds: 10, TimeoutSeconds: 5, FailureThreshold: 360}},
				{"liveness", c.LivenessProbe, &corev1.Probe{ProbeHandler: tc.alive, PeriodSeconds: 10, TimeoutSeconds: 5, FailureThreshold: 3}},
				{"readiness", c.ReadinessProbe, &corev1.Probe{ProbeHandler: tc.readys, PeriodSeconds: 5, TimeoutSeconds: 5, FailureThreshold: 3}},
			} {
				if diff := cmp.Diff(probe.want, probe.got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", probe.name, diff)
				}
			}
		})
	}
}

func TestThePullPolicyIsTheClustersUnlessTheSpecHasOne(t *testing.T) {
	for _, policy := range []corev1.PullPolicy{"", corev1.PullAlways, corev1.PullNever, corev1.PullIfNotPresent} {
		if got := dfs(t, func(s *v1alpha1.DittoServerSpec) { s.ImagePullPolicy = policy }).ImagePullPolicy; got != policy {
			t.Errorf("got %q, want %q", got, policy)
		}
	}
}

// A variable of the user can refer to one of ours, and not the other way round.
func TestWhatTheUserAddsComesAfterOurs(t *testing.T) {
	extra := func(s *v1alpha1.DittoServerSpec) {
		s.ExtraEnv = []corev1.EnvVar{{Name: "TZ", Value: "UTC"}, {Name: "NODE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.nodeName"}}}}
		s.ExtraVolumes = []corev1.Volume{{Name: "b", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}, {Name: "a", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		s.ExtraVolumeMounts = []corev1.VolumeMount{{Name: "b", MountPath: "/b", ReadOnly: true}, {Name: "a", MountPath: "/a", SubPath: "x"}}
		s.Identity.LDAP, s.Identity.Kerberos = directory(true), realm(true)
	}
	set := statefulSet(t, all(t, minimal(extra), render.Inputs{}))
	c := container(t, set)
	var env, mounts, volumes []string
	for _, e := range c.Env {
		env = append(env, e.Name)
	}
	for _, m := range c.VolumeMounts {
		mounts = append(mounts, m.Name+" "+m.MountPath)
	}
	for _, v := range set.Spec.Template.Spec.Volumes {
		volumes = append(volumes, v.Name)
	}
	for what, pair := range map[string][2][]string{
		"variables": {env, {"DITTOFS_CONTROLPLANE_SECRET", "DITTOFS_ADMIN_INITIAL_PASSWORD", "DITTOFS_LDAP_BIND_PASSWORD", "DITTOFS_KERBEROS_MACHINE_ACCOUNT_SECRET", "TZ", "NODE"}},
		"mounts": {mounts, {"metadata /data/store/metadata", "controlplane /data/controlplane", "config /config", "tmp /tmp",
			"kerberos-keytab /kerberos", "kerberos-krb5 /kerberos-krb5", "kerberos-machine-keytab /kerberos-machine", "b /b", "a /a"}},
		"volumes": {volumes, {"config", "tmp", "kerberos-keytab", "kerberos-krb5", "kerberos-machine-keytab", "b", "a"}},
	} {
		if !slices.Equal(pair[0], pair[1]) {
			t.Errorf("%s: got %q, want %q", what, pair[0], pair[1])
		}
	}
	if m := c.VolumeMounts[len(c.VolumeMounts)-1]; m.SubPath != "x" || m.ReadOnly {
		t.Errorf("the mount of the user is not as it was written: %+v", m)
	}
	if ref := c.Env[len(c.Env)-1].ValueFrom.FieldRef; ref.APIVersion != "v1" {
		t.Errorf("the API server adds v1 to %+v, in a place that it compares as one value", ref)
	}
}

func TestDatabaseEnvironment(t *testing.T) {
	fromKey := func(name, secret, key string) corev1.EnvVar { return fromSecret(name, secret, key, false) }
	postgres := func(s *v1alpha1.DittoServerSpec) {
		s.Database.PostgresSecretRef = &v1alpha1.SecretReference{Name: "pg"}
	}
	own := []corev1.EnvVar{fromKey("DITTOFS_DATABASE_POSTGRES_HOST", "pg", "host"), fromKey("DITTOFS_DATABASE_POSTGRES_DATABASE", "pg", "database"),
		fromKey("DITTOFS_DATABASE_POSTGRES_USER", "pg", "user"), fromKey("DITTOFS_DATABASE_POSTGRES_PASSWORD", "pg", "password")}
	for _, tc := range []struct {
		name   string
		change func(*v1alpha1.DittoServerSpec)
		keys   map[string]bool
		want   []corev1.EnvVar
	}{
		{name: "SQLite needs none", change: func(*v1alpha1.DittoServerSpec) {}},
		{name: "a Secret of the user has four keys", change: postgres, want: own},
		{name: "and two more if it has them", change: postgres, keys: map[string]bool{"port": true, "sslmode": true, "other": true},
			want: append(slices.Clone(own), fromKey("DITTOFS_DATABASE_POSTGRES_PORT", "pg", "port"), fromKey("DITTOFS_DATABASE_POSTGRES_SSLMODE", "pg", "sslmode"))},
		{name: "Percona verifies, in the database that the spec names", change: func(s *v1alpha1.DittoServerSpec) {
			s.Percona = &v1alpha1.PerconaSpec{Enabled: true, DatabaseName: "records"}
		}, want: []corev1.EnvVar{
			fromKey("DITTOFS_DATABASE_POSTGRES_HOST", "files-postgres-pguser-dittofs", "host"),
			fromKey("DITTOFS_DATABASE_POSTGRES_PORT", "files-postgres-pguser-dittofs", "port"),
			fromKey("DITTOFS_DATABASE_POSTGRES_USER", "files-postgres-pguser-dittofs", "user"),
			fromKey("DITTOFS_DATABASE_POSTGRES_PASSWORD", "files-postgres-pguser-dittofs", "password"),
			{Name: "DITTOFS_DATABASE_POSTGRES_DATABASE", Value: "records"}, {Name: "DITTOFS_DATABASE_POSTGRES_SSLMODE", Value: "verify-full"},
			{Name: "DITTOFS_DATABASE_POSTGRES_SSL_ROOT_CERT", Value: "/postgres-ca/ca.crt"},
		}},
		{name: "Percona that is off is not there", change: func(s *v1alpha1.DittoServerSpec) { s.Percona = &v1alpha1.PerconaSpec{} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			set := statefulSet(t, all(t, minimal(tc.change), render.Inputs{PostgresKeys: tc.keys}))
			if diff := cmp.Diff(tc.want, container(t, set).Env[2:], cmp.Comparer(func(a, b []corev1.EnvVar) bool { return len(a)+len(b) == 0 || cmp.Equal(a, b) })); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			// dfs waits for its database by being started again; the controller, before the first start.
			if len(set.Spec.Template.Spec.InitContainers) > 0 {
				t.Error("there is an init container")
			}
		})
	}
}
