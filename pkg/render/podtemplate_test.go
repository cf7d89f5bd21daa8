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

func podTemplate(t *testing.T, changes ...func(*v1alpha1.DittoServerSpec)) corev1.PodTemplateSpec {
	t.Helper()
	return statefulSet(t, all(t, minimal(changes...), render.Inputs{ConfigHash: "hash"})).Spec.Template
}

// A StatefulSet whose selector does not match its template is refused; one that matches less finds other pods.
func TestLabelsAndAnnotationsOfTheUserStayBelowOurs(t *testing.T) {
	template := podTemplate(t, func(s *v1alpha1.DittoServerSpec) {
		s.PodLabels = map[string]string{"team": "a", "app": "mine", "instance": "mine", v1alpha1.LabelServer: "mine", v1alpha1.LabelManagedBy: "mine"}
		s.PodAnnotations = map[string]string{"example.com/a": "b", v1alpha1.AnnotationConfigHash: "mine"}
	})
	if diff := cmp.Diff(map[string]string{"team": "a", "app": "dittofs-server", "instance": "files",
		"dittofs.io/server": "files", "app.kubernetes.io/managed-by": "dittofs-apiserver"}, template.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"example.com/a": "b", v1alpha1.AnnotationConfigHash: "hash"}, template.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}

func TestSecurityContextsOfTheUserWinFieldByField(t *testing.T) {
	for _, tc := range []struct {
		name      string
		pod       *corev1.PodSecurityContext
		container *corev1.SecurityContext
		change    func(*corev1.PodSecurityContext, *corev1.SecurityContext) // of the defaults
	}{
		{name: "nothing set", change: func(*corev1.PodSecurityContext, *corev1.SecurityContext) {}},
		{name: "empty ones", pod: &corev1.PodSecurityContext{}, container: &corev1.SecurityContext{}, change: func(*corev1.PodSecurityContext, *corev1.SecurityContext) {}},
		{name: "false wins over true, and zero over a number", pod: &corev1.PodSecurityContext{RunAsNonRoot: new(false), RunAsUser: new(int64(0))},
			container: &corev1.SecurityContext{ReadOnlyRootFilesystem: new(false)},
			change: func(p *corev1.PodSecurityContext, c *corev1.SecurityContext) {
				p.RunAsNonRoot, p.RunAsUser, c.ReadOnlyRootFilesystem = new(false), new(int64(0)), new(false)
			}},
		{name: "an added capability leaves the others dropped", container: &corev1.SecurityContext{Capabilities: &corev1.Capabilities{Add: []corev1.Capability{"NET_BIND_SERVICE"}}},
			change: func(_ *corev1.PodSecurityContext, c *corev1.SecurityContext) {
				c.Capabilities.Add = []corev1.Capability{"NET_BIND_SERVICE"}
			}},
		{name: "ownership of files can be changed at each start", pod: &corev1.PodSecurityContext{FSGroup: new(int64(7)), FSGroupChangePolicy: new(corev1.FSGroupChangeAlways)},
			change: func(p *corev1.PodSecurityContext, _ *corev1.SecurityContext) {
				p.FSGroup, p.FSGroupChangePolicy = new(int64(7)), new(corev1.FSGroupChangeAlways)
			}},
		{name: "a seccomp profile of the node", pod: &corev1.PodSecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: new("dfs.json")}},
			change: func(p *corev1.PodSecurityContext, _ *corev1.SecurityContext) {
				p.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeLocalhost, LocalhostProfile: new("dfs.json")}
			}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pod := podTemplate(t, func(s *v1alpha1.DittoServerSpec) { s.PodSecurityContext, s.SecurityContext = tc.pod, tc.container }).Spec
			wantPod := &corev1.PodSecurityContext{RunAsNonRoot: new(true), RunAsUser: new(int64(65532)), RunAsGroup: new(int64(65532)), FSGroup: new(int64(65532)),
				FSGroupChangePolicy: new(corev1.FSGroupChangeOnRootMismatch), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
			want := &corev1.SecurityContext{AllowPrivilegeEscalation: new(false), ReadOnlyRootFilesystem: new(true), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}}
			tc.change(wantPod, want)
			if diff := cmp.Diff(wantPod, pod.SecurityContext); diff != "" {
				t.Errorf("of the pod (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(want, pod.Containers[0].SecurityContext); diff != "" {
				t.Errorf("of the container (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhereThePodRunsIsAsTheSpecSays(t *testing.T) {
	term := corev1.PodAffinityTerm{TopologyKey: "zone"}
	want := corev1.PodSpec{
		ServiceAccountName: "files", DeprecatedServiceAccount: "files", PriorityClassName: "storage",
		NodeSelector:              map[string]string{"disk": "fast"},
		ImagePullSecrets:          []corev1.LocalObjectReference{{Name: "b"}, {Name: "a"}},
		Tolerations:               []corev1.Toleration{{Key: "storage", Operator: corev1.TolerationOpExists, TolerationSeconds: new(int64(0))}},
		TopologySpreadConstraints: []corev1.TopologySpreadConstraint{{MaxSkew: 1, TopologyKey: "zone", WhenUnsatisfiable: corev1.ScheduleAnyway}},
		Affinity:                  &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{term}}},
	}
	got := podTemplate(t, func(s *v1alpha1.DittoServerSpec) {
		s.ServiceAccountName, s.PriorityClassName, s.NodeSelector = want.ServiceAccountName, want.PriorityClassName, want.NodeSelector
		s.ImagePullSecrets, s.Tolerations, s.Affinity = want.ImagePullSecrets, want.Tolerations, want.Affinity
		s.TopologySpreadConstraints = want.TopologySpreadConstraints
	}).Spec
	if *got.AutomountServiceAccountToken || *got.EnableServiceLinks {
		t.Error("the pod has a token, or the addresses of other Services among its variables")
	}
	plain := podTemplate(t).Spec
	want.Containers, want.Volumes, want.SecurityContext = plain.Containers, plain.Volumes, plain.SecurityContext
	want.AutomountServiceAccountToken, want.EnableServiceLinks = plain.AutomountServiceAccountToken, plain.EnableServiceLinks
	want.TerminationGracePeriodSeconds = plain.TerminationGracePeriodSeconds
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestThePodMayTakeAsLongToStopAsDfsDoes(t *testing.T) {
	for _, tc := range []struct {
		name    string
		timeout string
		seconds *int64
		want    int64
	}{
		{"three stages of the default, the sleep before and a margin", "", nil, 105},
		{"three longer stages", "10m", nil, 1815},
		{"a fraction of a second is rounded up", "1001ms", nil, 19},
		{"what the spec says", "10m", new(int64(36)), 36},
	} {
		t.Run(tc.name, func(t *testing.T) {
			template := podTemplate(t, func(s *v1alpha1.DittoServerSpec) {
				s.ShutdownTimeout, s.TerminationGracePeriodSeconds = tc.timeout, tc.seconds
			})
			if got := *template.Spec.TerminationGracePeriodSeconds; got != tc.want {
				t.Errorf("got %d, want %d", got, tc.want)
			}
		})
	}
}

// What lets its reader in is for the group of the pod only, and of a Secret no key is there that dfs does not read.
func TestFilesFromSecrets(t *testing.T) {
	template := podTemplate(t, func(s *v1alpha1.DittoServerSpec) {
		s.ControlPlane.CertSecretName, s.ControlPlane.ClientCASecretName = "tls", "callers"
		s.Identity.Kerberos = realm(true)
		s.Metrics = &v1alpha1.MetricsSpec{Enabled: true, BearerTokenSecret: &v1alpha1.SecretKeyReference{Name: "scrape", Key: "bearer"}}
		s.Percona = &v1alpha1.PerconaSpec{Enabled: true}
	})
	item := func(key, path string) corev1.KeyToPath { return corev1.KeyToPath{Key: key, Path: path} }
	private := new(int32(0o440))
	want := map[string]corev1.SecretVolumeSource{
		"/tls":              {SecretName: "tls", DefaultMode: private, Items: []corev1.KeyToPath{item("tls.crt", "tls.crt"), item("tls.key", "tls.key")}},
		"/tls-client-ca":    {SecretName: "callers", Items: []corev1.KeyToPath{item("ca.crt", "ca.crt")}},
		"/metrics-token":    {SecretName: "scrape", DefaultMode: private, Items: []corev1.KeyToPath{item("bearer", "token")}},
		"/kerberos":         {SecretName: "kerberos", DefaultMode: private, Items: []corev1.KeyToPath{item("keytab", "dittofs.keytab")}},
		"/kerberos-krb5":    {SecretName: "kerberos", Items: []corev1.KeyToPath{item("krb5", "krb5.conf")}},
		"/kerberos-machine": {SecretName: "machine", DefaultMode: private, Items: []corev1.KeyToPath{item("keytab", "machine.keytab")}},
		"/postgres-ca":      {SecretName: "files-postgres-cluster-cert", Items: []corev1.KeyToPath{item("ca.crt", "ca.crt")}},
	}
	sources, got := map[string]*corev1.SecretVolumeSource{}, map[string]corev1.SecretVolumeSource{}
	for _, v := range template.Spec.Volumes {
		sources[v.Name] = v.Secret
	}
	for _, m := range template.Spec.Containers[0].VolumeMounts {
		if source := sources[m.Name]; source != nil {
			got[m.MountPath] = *source
			if !m.ReadOnly || m.SubPath != "" {
				t.Errorf("%s can be written to, or is never renewed: %+v", m.MountPath, m)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
