// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package adoption_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// block is one block of commands of the page; part says for what.
type block struct{ part, commands string }

var blocks = regexp.MustCompile("(?s)<!-- run: ([a-z]+) -->\n```sh\n(.*?)```")

// page is docs/migration.md, as a shell in a directory of its own that runs it.
type page struct {
	blocks []block
	dir    string
	env    []string
}

func openPage(t *testing.T) *page {
	t.Helper()
	root, err := harness.RepoDir()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", "migration.md"))
	if err != nil {
		t.Fatal(err)
	}
	p := &page{dir: t.TempDir(), env: []string{
		"PATH=" + harness.BinDir(root) + ":" + os.Getenv("PATH"), "KUBECONFIG=" + cluster.Admin.Kubeconfig,
		"HOME=" + t.TempDir(), "NO_PROXY=127.0.0.1",
	}}
	for _, found := range blocks.FindAllStringSubmatch(string(text), -1) {
		p.blocks = append(p.blocks, block{found[1], found[2]})
	}
	if n := strings.Count(string(text), "```sh"); n == 0 || n != len(p.blocks) {
		t.Fatalf("the page has %d blocks of commands, %d of them marked to be run", n, len(p.blocks))
	}
	return p
}

// in replaces the namespace of the page.
func (p *page) in(namespace string) *page {
	for i, b := range p.blocks {
		p.blocks[i].commands = strings.ReplaceAll(b.commands, "NAMESPACE=storage", "NAMESPACE="+namespace)
	}
	return p
}

// of returns the commands of the blocks of one part, in their order.
func (p *page) of(t *testing.T, part string) (commands []string) {
	t.Helper()
	for _, b := range p.blocks {
		if b.part == part {
			commands = append(commands, b.commands)
		}
	}
	if len(commands) == 0 {
		t.Fatalf("the page has no commands %q", part)
	}
	return commands
}

// run runs commands in the shell of the page, and returns what they print.
func (p *page) run(t *testing.T, commands string) string {
	t.Helper()
	output, err := p.try(t, commands)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

// try is run for commands that may fail.
func (p *page) try(t *testing.T, commands string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", p.of(t, "names")[0]+commands)
	command.Dir, command.Env = p.dir, p.env
	output, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s\n%w:\n%s", commands, err, output)
	}
	return string(output), nil
}

// runOperator makes the Deployment of the operator, which kwok runs. There is one for all tests.
func runOperator(t *testing.T) {
	t.Helper()
	labels := map[string]string{"control-plane": "controller-manager"}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "dittofs"}}
	if _, err := cluster.Admin.Kube.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "dittofs-operator-controller-manager"}, Spec: appsv1.DeploymentSpec{
		Replicas: ptr.To[int32](1), Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "manager", Image: "marmos91c/dittofs-operator:latest"}},
		}},
	}}
	if _, err := cluster.Admin.Kube.AppsV1().Deployments("dittofs").Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}
