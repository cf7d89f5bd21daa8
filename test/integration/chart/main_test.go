// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package chart_test holds the Helm chart to the kustomize overlays: what is rendered with the values of an overlay is what
// the overlay builds. helm itself, of the release in hack/helm, renders, lints, installs and uninstalls.
package chart_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

const (
	root   = "../../.."
	deploy = root + "/artifacts/deploy"
	chart  = root + "/artifacts/helm/dittofs-apiserver"
	// placeholder is the image that the overlays have before somebody names theirs.
	placeholder = "image.tag=latest"
)

var (
	update  = flag.Bool("update", false, "write the templates that are copies of manifests, and the table of the README")
	cluster *harness.Cluster
)

func TestMain(m *testing.M) {
	harness.Run(m, harness.Options{WithoutControllers: true, WithoutServer: true}, &cluster)
}

// namespace is made as `helm install --create-namespace` would, for dry runs.
func namespace(t *testing.T) string {
	t.Helper()
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "chart-"}}
	created, err := cluster.Admin.Kube.CoreV1().Namespaces().Create(t.Context(), object, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return created.Name
}

// try runs helm as an admin, with no settings of whoever runs the test.
func try(t *testing.T, args ...string) (output string, err error) {
	t.Helper()
	binary, err := harness.Binary("helm")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("%v: run `make helm` first", err)
	}
	home := t.TempDir()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), binary, args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	command.Env = []string{
		"HOME=" + home, "XDG_CACHE_HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_DATA_HOME=" + home,
		"PATH=" + os.Getenv("PATH"), "KUBECONFIG=" + cluster.Admin.Kubeconfig, "NO_PROXY=127.0.0.1",
	}
	err = command.Run()
	if exit := (&exec.ExitError{}); err != nil && !errors.As(err, &exit) {
		t.Fatalf("run helm: %v", err)
	}
	if err != nil {
		return stdout.String(), errors.New(strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}

func run(t *testing.T, args ...string) string {
	t.Helper()
	output, err := try(t, args...)
	if err != nil {
		t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return output
}

// rendered is the output of `helm template` for a cluster as old as we support.
func rendered(t *testing.T, namespace string, args ...string) string {
	t.Helper()
	return run(t, append([]string{"template", "dittofs-apiserver", chart, "--namespace=" + namespace, "--kube-version=1.34"}, args...)...)
}

// built is the output of kustomize for an overlay with components.
func built(t *testing.T, overlay string, components ...string) string {
	t.Helper()
	dir := t.TempDir()
	// The image again: what a component adds, the overlay has not seen.
	lines := []string{"resources:", "- " + relative(t, dir, "overlays/"+overlay), "images:", "- {name: dittofs-apiserver, newTag: latest}"}
	if len(components) > 0 {
		lines = append(lines, "components:")
	}
	for _, name := range components {
		lines = append(lines, "- "+relative(t, dir, "components/"+name))
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return cluster.Admin.Kubectl("").Run(t, "kustomize", dir)
}

func relative(t *testing.T, dir, name string) string {
	t.Helper()
	target, err := filepath.Abs(filepath.Join(deploy, name))
	if err != nil {
		t.Fatal(err)
	}
	path, err := filepath.Rel(dir, target)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// theNamespace is the one that the overlays name.
const theNamespace = controlplane.DittoFSNamespace
