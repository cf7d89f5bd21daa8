// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// named is a rule about some objects.
func named(rule rbacv1.PolicyRule, names ...string) rbacv1.PolicyRule {
	rule.ResourceNames = names
	return rule
}

// tenantOf is a user who may do everything to the DittoServers of one namespace, and read one Secret there, "mine".
func tenantOf(t *testing.T, namespace string) *harness.User {
	t.Helper()
	tenant := cluster.User(t, "tenant-of-"+namespace)
	cluster.Allow(t, tenant, namespace, harness.Rule("dittofs.io", "dittoservers", "*"),
		harness.Rule("dittofs.io", "dittoservers/scale", "get", "update", "patch"), named(harness.Rule("", "secrets", "get"), "mine"))
	kubectl := tenant.Kubectl(namespace)
	harness.Eventually(t, "the tenant has their rights", func(context.Context) error {
		if out := kubectl.Try(t, "auth", "can-i", "get", "secret/mine"); out.ExitCode != 0 {
			return errors.New(out.Stdout + out.Stderr)
		}
		return nil
	})
	return tenant
}

// Each refusal names the field, the value and what to do, whichever way the object comes; nothing is stored.
func TestATenantReadsInTheRefusalWhatToDo(t *testing.T) {
	namespace := cluster.Namespace(t)
	tenant := tenantOf(t, namespace)
	kubectl := tenant.Kubectl(namespace)
	lacks := func(parts ...string) []string {
		return append(parts, "(Forbidden)", `user "`+tenant.Name+`" lacks in namespace `+namespace, "Ask for a Role")
	}
	for _, c := range []struct {
		name   string
		change specChange
		wants  []string
	}{
		{"a Secret that they may not read", jwt("theirs"), lacks(`the verb get on Secret "theirs" (spec.identity.jwt.secretRef)`)},
		{"several Secrets", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "mine"}, {Name: "pull"}}
			s.ExtraEnv = []corev1.EnvVar{{Name: "A", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "env"}, Key: "k"}}}}
			s.ExtraVolumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
				Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "projected"}}}}}}}}
		}, lacks(`Secret "pull" (spec.imagePullSecrets[1])`, `Secret "env" (spec.extraEnv[0].valueFrom.secretKeyRef)`, `Secret "projected" (spec.extraVolumes[0].projected.sources[0].secret)`)},
		{"a database of others", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Database.PostgresSecretRef = &dittofsv1alpha1.SecretReference{Name: "pg"}
		}, lacks(`the verb get on Secret "pg" (spec.database.postgresSecretRef)`)},
		{"a ServiceAccount", func(s *dittofsv1alpha1.DittoServerSpec) { s.ServiceAccountName = "builder" },
			lacks("the verb create on pods", `spec.serviceAccountName is "builder"`)},
		{"a StorageClass that is not there", class("fats"),
			[]string{`spec.storage.storageClassName: Invalid value: "fats"`, "there is no such StorageClass; existing are fixed, standard"}},
		{"a class for a volume of the pod", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.ExtraVolumes = []corev1.Volume{{Name: "scratch", VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: &corev1.PersistentVolumeClaimTemplate{
				Spec: corev1.PersistentVolumeClaimSpec{
					AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}, StorageClassName: ptr.To("fats"),
					Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: quantity("1Gi")}},
				},
			}}}}}
		}, []string{`spec.extraVolumes[0].ephemeral.volumeClaimTemplate.spec.storageClassName: Invalid value: "fats"`, "existing are fixed, standard"}},
		{"Percona without its operator", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true}
		}, []string{"spec.percona.enabled: Invalid value: true", "install the Percona operator first", "or leave it false"}},
		{"a toleration that no cluster has", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Tolerations = []corev1.Toleration{{Key: "a", Operator: "Is"}}
		}, []string{`spec.tolerations[0].operator: Unsupported value: "Is"`, `"Exists"`}},
		{"a privileged container", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.SecurityContext = &corev1.SecurityContext{Privileged: ptr.To(true)}
		}, []string{"spec.securityContext", "baseline Pod Security Standard", "must not set securityContext.privileged=true"}},
		{"a directory of the node", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.ExtraVolumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/"}}}}
		}, []string{"spec.extraVolumes[0]", "hostPath"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := harness.NewDittoServer("files")
			c.change(&server.Spec)
			manifest := kubectl.Stdin(toYAML(t, server))
			for _, args := range [][]string{
				{"create", "-f", "-"},
				{"apply", "--dry-run=server", "-f", "-"},
				{"apply", "--server-side", "-f", "-"},
			} {
				message := manifest.Fail(t, args...)
				for _, want := range c.wants {
					if !strings.Contains(message, want) {
						t.Errorf("kubectl %s: the message lacks %q: %s", strings.Join(args, " "), want, message)
					}
				}
			}
			if out := kubectl.Run(t, "get", "dittoservers", "-o", "name"); out != "" {
				t.Errorf("stored: %s", out)
			}
		})
	}
}

// What the same tenant may do with no more than that.
func TestATenantHelpsThemselvesWithPlainRBAC(t *testing.T) {
	namespace := cluster.Namespace(t)
	tenant := tenantOf(t, namespace)
	kubectl := tenant.Kubectl(namespace)
	leaveSecret(t, namespace, "mine")
	server := harness.NewDittoServer("files", func(s *dittofsv1alpha1.DittoServer) {
		jwt("mine")(&s.Spec)
		class("standard")(&s.Spec)
		s.Spec.Identity.Admin.PasswordSecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "mine", Key: "k"}
		s.Spec.Tolerations = []corev1.Toleration{{Key: "a", Operator: corev1.TolerationOpExists}}
	})
	manifest := kubectl.Stdin(toYAML(t, server))
	manifest.Run(t, "apply", "--dry-run=server", "-f", "-")
	kubectl.Fail(t, "get", "dittoserver", "files")
	manifest.Run(t, "apply", "-f", "-")

	patch := func(spec string) []string {
		return []string{"patch", "dittoserver", "files", "--type=merge", "-p", `{"spec":{` + spec + `}}`}
	}
	for _, args := range [][]string{
		patch(`"image":"marmos91c/dittofs:v0.28.0"`), // they may read every Secret of this server
		patch(`"storage":{"metadataSize":"2Gi"}`),
		patch(`"logging":{"level":"DEBUG"}`),
		{"scale", "dittoserver", "files", "--replicas=0"},
		{"label", "dittoserver", "files", "a=b"},
	} {
		if out := kubectl.Try(t, args...); out.ExitCode != 0 || out.Stderr != "" {
			t.Errorf("kubectl %s: %+v", strings.Join(args, " "), out)
		}
	}

	// Of a server with Secrets of others, what decides nothing about those, and the way out.
	cluster.CreateDittoServer(t, namespace, "shared", func(s *dittofsv1alpha1.DittoServer) { jwt("theirs")(&s.Spec) })
	message := kubectl.Fail(t, "patch", "dittoserver", "shared", "--type=merge", "-p", `{"spec":{"image":"example/evil:v1"}}`)
	if !strings.Contains(message, `the verb get on Secret "theirs" (spec.identity.jwt.secretRef)`) {
		t.Errorf("another image: %s", message)
	}
	kubectl.Run(t, "patch", "dittoserver", "shared", "--type=merge", "-p", `{"spec":{"storage":{"metadataSize":"2Gi"}}}`)
	kubectl.Run(t, "scale", "dittoserver", "shared", "--replicas=0")
	kubectl.Run(t, "label", "dittoserver", "shared", "a=b")
	kubectl.Run(t, "delete", "dittoserver", "shared", "--wait=false")
	// What is being deleted is let go, whatever else is in the change.
	kubectl.Run(t, "patch", "dittoserver", "shared", "--type=merge", "-p", `{"metadata":{"finalizers":null},"spec":{"image":"example/evil:v1"}}`)
}
