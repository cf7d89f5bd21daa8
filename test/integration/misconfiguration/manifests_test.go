// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package misconfiguration_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// overlays are the directories that users install.
func overlays(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "artifacts", "deploy", "overlays", "*", "kustomization.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no overlays: %v", err)
	}
	return files
}

// built is the output of kustomize, by document.
func built(t *testing.T, dir string) []string {
	t.Helper()
	return strings.Split(cluster.Admin.Kubectl("").Run(t, "kustomize", dir), "\n---\n")
}

func TestEveryOverlayPassesTheDryRunOfTheServer(t *testing.T) {
	for _, file := range overlays(t) {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			// The harness has installed some of the objects already, as another manager.
			output := cluster.Admin.Kubectl("").Try(t, "apply", "-k", dir, "--server-side", "--force-conflicts", "--dry-run=server", "--field-manager=overlay")
			if output.ExitCode != 0 {
				t.Fatal(output.Stderr)
			}
			if strings.Contains(output.Stderr, "Warning") {
				t.Errorf("the cluster warns: %s", output.Stderr)
			}
		})
	}
}

func TestOurPodsAreTakenByANamespaceThatRestrictsPods(t *testing.T) {
	for _, file := range overlays(t) {
		found := 0
		for _, document := range built(t, filepath.Dir(file)) {
			var workload appsv1.StatefulSet // a Deployment has its template in the same place
			if err := yaml.Unmarshal([]byte(document), &workload); err != nil || workload.Kind != "StatefulSet" && workload.Kind != "Deployment" {
				continue
			}
			found++
			template := workload.Spec.Template
			for _, claim := range workload.Spec.VolumeClaimTemplates {
				template.Spec.Volumes = append(template.Spec.Volumes, corev1.Volume{Name: claim.Name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
			}
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "dry-run-", Namespace: workload.Namespace, Labels: template.Labels}, Spec: template.Spec}
			if err := cluster.Plane.Client().Create(t.Context(), pod.DeepCopy(), client.DryRunAll); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			// The namespace must be one that refuses something, or this proves nothing.
			pod.Spec.Containers[0].SecurityContext.Privileged = ptr.To(true)
			if err := cluster.Plane.Client().Create(t.Context(), pod, client.DryRunAll); !apierrors.IsForbidden(err) && !apierrors.IsInvalid(err) {
				t.Errorf("%s: a privileged pod was not refused: %v", file, err)
			}
		}
		if found == 0 {
			t.Errorf("%s has no workload", file)
		}
	}
}

// together is a kustomization of quickstart with components.
func together(t *testing.T, resources []string, components ...string) string {
	t.Helper()
	deploy, err := filepath.Abs(filepath.Join("..", "..", "..", "artifacts", "deploy"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	content := map[string][]string{}
	for kind, names := range map[string][]string{"resources": append([]string{"overlays/quickstart"}, resources...), "components": components} {
		for _, name := range names {
			path, err := filepath.Rel(dir, filepath.Join(deploy, name))
			if err != nil {
				t.Fatal(err)
			}
			content[kind] = append(content[kind], path)
		}
	}
	text, err := yaml.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTheBackupPassesTheDryRunAndIsTakenByANamespaceThatRestrictsPods(t *testing.T) {
	for component, c := range map[string]struct {
		job       string
		has, none []string
	}{
		"components/backup": {"jobs", []string{"--dir=/backup/snapshots", "claimName: dittofs-apiserver-backup", "- /backup/snapshots/SNAPSHOT"}, []string{"dittofs-apiserver-backup-s3"}},
		"components/backup-s3": {"jobs-s3", []string{"--dir=$(DESTINATION)", "name: dittofs-apiserver-backup-s3", "- s3://BUCKET/PREFIX/SNAPSHOT"},
			[]string{"/backup", "claimName: dittofs-apiserver-backup", "kind: PersistentVolumeClaim"}},
	} {
		t.Run(component, func(t *testing.T) {
			dir := together(t, []string{c.job}, component)
			output := cluster.Admin.Kubectl("").Try(t, "apply", "-k", dir, "--server-side", "--force-conflicts", "--dry-run=server", "--field-manager=overlay")
			if output.ExitCode != 0 || strings.Contains(output.Stderr, "Warning") {
				t.Errorf("%s", output.Stderr)
			}
			for _, want := range []string{"cronjob.batch/dittofs-apiserver-backup", "job.batch/dittofs-apiserver-restore"} {
				if !strings.Contains(output.Stdout, want) {
					t.Errorf("there is no %s: %s", want, output.Stdout)
				}
			}
			text := strings.Join(built(t, dir), "\n")
			for _, want := range c.has {
				if !strings.Contains(text, want) {
					t.Errorf("there is no %s", want)
				}
			}
			for _, none := range c.none {
				if strings.Contains(text, none) {
					t.Errorf("there is %s", none)
				}
			}
		})
	}
}

func TestTheRestoreOfAnExternalEtcdPassesTheDryRun(t *testing.T) {
	dir := together(t, []string{"jobs-etcd"}, "components/backup")
	output := cluster.Admin.Kubectl("").Try(t, "apply", "-k", dir, "--server-side", "--force-conflicts", "--dry-run=server", "--field-manager=overlay")
	if output.ExitCode != 0 || strings.Contains(output.Stderr, "Warning") {
		t.Errorf("%s", output.Stderr)
	}
	for _, want := range []string{"left", "prepare", "restore-0", "restore-1", "restore-2"} {
		if !strings.Contains(output.Stdout, "job.batch/dittofs-etcd-"+want) {
			t.Errorf("there is no Job %s: %s", want, output.Stdout)
		}
	}
}

func TestEncryptionAndAuditAreAddedToEitherOverlay(t *testing.T) {
	for _, overlay := range []string{"quickstart", "production"} {
		dir := together(t, nil, "components/encryption", "components/audit")
		file := filepath.Join(dir, "kustomization.yaml")
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(strings.Replace(string(content), "overlays/quickstart", "overlays/"+overlay, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		text := strings.Join(built(t, dir), "\n")
		for _, want := range []string{
			"--encryption-provider-config=/etc/dittofs-apiserver/encryption/encryption.yaml", "secretName: dittofs-apiserver-encryption",
			"--audit-policy-file=/etc/dittofs-apiserver/audit/policy.yaml", "name: dittofs-apiserver-audit-",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s with both components lacks %q", overlay, want)
			}
		}
	}
}

// Their kinds are not there, so that it is only shown that they build.
func TestTheOtherComponentsBuild(t *testing.T) {
	for component, want := range map[string]string{"monitoring": "PrometheusRule", "cert-manager": "Certificate"} {
		text := strings.Join(built(t, together(t, nil, "components/"+component)), "\n")
		if !strings.Contains(text, "kind: "+want) {
			t.Errorf("component %s has no %s", component, want)
		}
	}
}

func TestNothingSkipsTheVerificationOfCertificates(t *testing.T) {
	root := filepath.Join("..", "..", "..", "artifacts", "deploy")
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(string(data), "insecureSkipTLSVerify:") {
			t.Errorf("%s skips the verification of the certificate", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Private clusters let kube-apiserver reach few ports of pods; 10250, that of the kubelet, is one of them.
func TestHazard19TheServerListensWherePrivateClustersLetTheAggregatorIn(t *testing.T) {
	for _, file := range overlays(t) {
		ports := 0
		for _, document := range built(t, filepath.Dir(file)) {
			var workload appsv1.StatefulSet
			if err := yaml.Unmarshal([]byte(document), &workload); err != nil || workload.Name != "dittofs-apiserver" || workload.Kind != "StatefulSet" && workload.Kind != "Deployment" {
				continue
			}
			for _, port := range workload.Spec.Template.Spec.Containers[0].Ports {
				ports++
				if port.ContainerPort != 10250 {
					t.Errorf("%s: port %s is %d, want 10250", file, port.Name, port.ContainerPort)
				}
			}
		}
		if ports == 0 {
			t.Errorf("%s has no port of our server", file)
		}
	}
}
