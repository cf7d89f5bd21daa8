// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

type specChange = func(*dittofsv1alpha1.DittoServerSpec)

// create asks for a server with one change, for real or as a dry run.
func create(ctx context.Context, user *harness.User, namespace, name string, options metav1.CreateOptions, change specChange) error {
	server := harness.NewDittoServer(name)
	change(&server.Spec)
	_, err := user.DittoServers(namespace).Create(ctx, server, options)
	return err
}

func TestFieldsOfThePodAreJudgedByTheHost(t *testing.T) {
	namespace := cluster.Namespace(t)
	affinity := func(operator corev1.NodeSelectorOperator) specChange {
		return func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{
				NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "zone", Operator: operator, Values: []string{"a"}}}}},
			}}}
		}
	}
	for _, c := range []struct {
		name   string
		change specChange
		wants  []string
	}{
		{"a toleration", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Tolerations = []corev1.Toleration{{Key: "a", Operator: "Is"}}
		}, []string{"spec.tolerations[0].operator", `"Is"`, "Exists"}},
		{"an affinity", affinity("Is"), []string{"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].operator", `"Is"`}},
		{"a user", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.SecurityContext = &corev1.SecurityContext{RunAsUser: ptr.To[int64](-1)}
		}, []string{"spec.securityContext.runAsUser", "-1"}},
		{"a group", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.PodSecurityContext = &corev1.PodSecurityContext{FSGroup: ptr.To[int64](-1)}
		}, []string{"spec.podSecurityContext.fsGroup", "-1"}},
		{"a resource", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.Resources = &corev1.ResourceRequirements{Limits: corev1.ResourceList{"gpu": quantity("1")}}
		}, []string{"spec.resources.limits[gpu]", "standard resource"}},
		{"a variable", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.ExtraEnv = []corev1.EnvVar{{Name: "OK", Value: "1"}, {Name: "NODE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "spec.unknown"}}}}
		}, []string{"spec.extraEnv[1].valueFrom.fieldRef.fieldPath", "spec.unknown"}},
		{"a privileged container", func(s *dittofsv1alpha1.DittoServerSpec) {
			s.SecurityContext = &corev1.SecurityContext{Privileged: ptr.To(true)}
		}, []string{"spec.securityContext", "baseline Pod Security Standard", "privileged"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, options := range []metav1.CreateOptions{{}, dryRun} {
				expectRefusal(t, create(t.Context(), cluster.Admin, namespace, "bad", options, c.change), 422, c.wants...)
			}
		})
	}

	// Nothing is stored by the question, and what is right passes.
	if err := create(t.Context(), cluster.Admin, namespace, "good", metav1.CreateOptions{}, affinity(corev1.NodeSelectorOpIn)); err != nil {
		t.Error(err)
	}
	if templates, err := cluster.Admin.Kube.CoreV1().PodTemplates(namespace).List(t.Context(), metav1.ListOptions{}); err != nil || len(templates.Items) > 0 {
		t.Errorf("PodTemplates in the namespace: %v, %v", templates, err)
	}
	server := current(t, namespace, "good")
	affinity("Is")(&server.Spec)
	_, err := cluster.Admin.DittoServers(namespace).Update(t.Context(), server, metav1.UpdateOptions{})
	expectRefusal(t, err, 422, "spec.affinity", `"Is"`)
}

func TestWhatTheRestrictedStandardForbidsIsAWarning(t *testing.T) {
	namespace := cluster.Namespace(t)
	server := harness.NewDittoServer("root", func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.SecurityContext = &corev1.SecurityContext{RunAsUser: ptr.To[int64](0)}
	})
	out := cluster.Admin.Kubectl(namespace).Stdin(toYAML(t, server)).Try(t, "create", "-f", "-")
	if out.ExitCode != 0 || !strings.Contains(out.Stderr, "Warning: ") || !strings.Contains(out.Stderr, "restricted Pod Security Standard") || !strings.Contains(out.Stderr, "runAsUser=0") {
		t.Errorf("kubectl: %+v", out)
	}
}

func TestVolumesNeedAStorageClassThatIsThere(t *testing.T) {
	namespace := cluster.Namespace(t)
	in := func(class string) specChange {
		return func(s *dittofsv1alpha1.DittoServerSpec) { s.Storage.StorageClassName = &class }
	}
	for _, options := range []metav1.CreateOptions{{}, dryRun} {
		expectRefusal(t, create(t.Context(), cluster.Admin, namespace, "bad", options, in("fats")), 422,
			"spec.storage.storageClassName", `"fats"`, "there is no such StorageClass", "fixed, standard")
	}
	for _, class := range []string{"fixed", "standard"} {
		if err := create(t.Context(), cluster.Admin, namespace, class, metav1.CreateOptions{}, in(class)); err != nil {
			t.Fatal(err)
		}
	}
	grow := func(name string) error {
		server := current(t, namespace, name)
		server.Spec.Storage.MetadataSize = ptr.To(quantity("2Gi"))
		_, err := cluster.Admin.DittoServers(namespace).Update(t.Context(), server, metav1.UpdateOptions{})
		return err
	}
	expectRefusal(t, grow("fixed"), 422, "spec.storage.metadataSize", `"2Gi"`, `StorageClass "fixed"`, "set allowVolumeExpansion: true", "leave it at 1Gi")
	if err := grow("standard"); err != nil {
		t.Error(err)
	}
}

// The informer hears of a class after the request that names it, and then also when it goes.
func TestAStorageClassThatComesAndGoes(t *testing.T) {
	namespace := cluster.Namespace(t)
	name := "class-of-" + namespace
	server := harness.NewDittoServer("files", func(s *dittofsv1alpha1.DittoServer) { class(name)(&s.Spec) })
	both := "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: " + name + "}\nprovisioner: example.com/none\nallowVolumeExpansion: true\n---\n" + toYAML(t, server)
	kubectl := cluster.Admin.Kubectl(namespace)
	if out := kubectl.Stdin(both).Run(t, "apply", "-f", "-"); strings.Count(out, "created") != 2 {
		t.Errorf("one apply of both: %s", out)
	}
	kubectl.Run(t, "delete", "storageclass", name)
	harness.Eventually(t, "nothing more is created in the class", func(ctx context.Context) error {
		err := create(ctx, cluster.Admin, namespace, "other", dryRun, class(name))
		if err == nil || !strings.Contains(err.Error(), "there is no such StorageClass") {
			return errors.Join(errors.New("not refused"), err)
		}
		return nil
	})
	// What is there can be changed, but not grow.
	kubectl.Run(t, "patch", "dittoserver", "files", "--type=merge", "-p", `{"spec":{"logging":{"level":"DEBUG"}}}`)
	message := kubectl.Fail(t, "patch", "dittoserver", "files", "--type=merge", "-p", `{"spec":{"storage":{"metadataSize":"2Gi"}}}`)
	if !strings.Contains(message, "does not exist any more") {
		t.Errorf("growth: %s", message)
	}
}

func TestWithoutADefaultStorageClassVolumesWait(t *testing.T) {
	namespace := cluster.Namespace(t)
	kubectl := cluster.Admin.Kubectl(namespace)
	mark := func(value string) {
		kubectl.Run(t, "annotate", "--overwrite", "storageclass", "standard", "storageclass.kubernetes.io/is-default-class="+value)
	}
	manifest := toYAML(t, harness.NewDittoServer("files"))
	mark("false")
	defer mark("true")
	harness.Eventually(t, "a create is warned of", func(context.Context) error {
		out := kubectl.Stdin(manifest).Try(t, "create", "--dry-run=server", "-f", "-")
		if out.ExitCode != 0 || !strings.Contains(out.Stderr, "Warning: spec.storage.storageClassName: left out, and no StorageClass of the cluster is the default") {
			return fmt.Errorf("%+v", out)
		}
		return nil
	})
}

func TestASecretThatWillNotDoIsAWarning(t *testing.T) {
	namespace := cluster.Namespace(t)
	server := harness.NewDittoServer("files", func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Identity.JWT.SecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "weak", Key: "k"}
		s.Spec.Database.PostgresSecretRef = &dittofsv1alpha1.SecretReference{Name: "nowhere"}
	})
	if _, err := cluster.Admin.Kube.CoreV1().Secrets(namespace).Create(t.Context(),
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "weak"}, StringData: map[string]string{"k": "short-value"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	out := cluster.Admin.Kubectl(namespace).Stdin(toYAML(t, server)).Try(t, "apply", "--dry-run=server", "-f", "-")
	for _, want := range []string{
		`Warning: spec.database.postgresSecretRef: missing Secret "nowhere" in namespace ` + namespace + `: the server waits for it`,
		`Warning: spec.identity.jwt.secretRef: key "k" of Secret "weak" is shorter than 32 bytes`,
	} {
		if out.ExitCode != 0 || !strings.Contains(out.Stderr, want) {
			t.Errorf("the warnings lack %q: %+v", want, out)
		}
	}
	if strings.Contains(out.Stderr, "short-value") {
		t.Error("a warning tells the value")
	}
}
