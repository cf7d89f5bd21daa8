// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestKubectlDescribeShowsSpecStatusAndConditions(t *testing.T) {
	namespace := cluster.Namespace(t)
	cluster.CreateDittoServer(t, namespace, "files")
	setStatus(t, namespace, "files", func(status *dittofsv1alpha1.DittoServerStatus) {
		status.Phase = dittofsv1alpha1.PhaseFailed
		status.Conditions = []metav1.Condition{condition("Ready", metav1.ConditionFalse, "SecretNotFound")}
	})
	out := cluster.Admin.Kubectl(namespace).Run(t, "describe", "dfs", "files")
	for _, want := range []string{"Name:", "files", "Kind:", "DittoServer", "Metadata Size:", "1Gi", "Phase:", "Failed", "SecretNotFound"} {
		if !strings.Contains(out, want) {
			t.Errorf("describe lacks %q:\n%s", want, out)
		}
	}
}

func TestKubectlDiffShowsWhatAnApplyWouldChange(t *testing.T) {
	namespace := cluster.Namespace(t)
	kubectl := cluster.Admin.Kubectl(namespace)
	cases := map[string]string{"client": "--server-side=false", "server": "--server-side=true"}
	for name, mode := range cases {
		manifest := "apiVersion: dittofs.io/v1alpha1\nkind: DittoServer\nmetadata:\n  name: " + name + "\nspec:\n  replicas: 1\n  storage:\n    metadataSize: 1Gi\n"
		kubectl.Stdin(manifest).Run(t, "apply", "-f", "-", mode)
		version := current(t, namespace, name).ResourceVersion
		kubectl.Stdin(manifest).Run(t, "diff", "-f", "-", mode)
		other := kubectl.Stdin(strings.Replace(manifest, "replicas: 1", "replicas: 0", 1)).Try(t, "diff", "-f", "-", mode)
		if other.ExitCode != 1 || !strings.Contains(other.Stdout, "+  replicas: 0") || !strings.Contains(other.Stdout, "-  replicas: 1") {
			t.Errorf("diff %s of a change: %d\n%s%s", name, other.ExitCode, other.Stdout, other.Stderr)
		}
		expectVersion(t, namespace, name, version)
	}
}

func TestKubectlEditChangesTheObjectAndReopensOnMistakes(t *testing.T) {
	namespace := cluster.Namespace(t)
	server := cluster.CreateDittoServer(t, namespace, "files")
	editor := filepath.Join(t.TempDir(), "editor")
	write := func(script string) {
		t.Helper()
		if err := os.WriteFile(editor, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	kubectl := cluster.Admin.Kubectl(namespace).Env("KUBE_EDITOR="+editor, "TMPDIR="+t.TempDir())

	// sed -i is not the same everywhere.
	opened := editor + ".opened"
	write(`cat "$1" >>` + opened + `; sed 's/replicas: 1/replicas: 2/' "$1" >"$1.new" && mv "$1.new" "$1"`)
	kubectl.Fail(t, "edit", "dittoserver", "files")
	seen, err := os.ReadFile(opened)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(seen), "# * spec.replicas: Invalid value: 2") {
		t.Errorf("the editor does not show the mistake when it opens again:\n%s", seen)
	}
	expectVersion(t, namespace, "files", server.ResourceVersion)

	write(`sed 's/replicas: 1/replicas: 0/' "$1" >"$1.new" && mv "$1.new" "$1"`)
	kubectl.Run(t, "edit", "dittoserver", "files")
	if got := *current(t, namespace, "files").Spec.Replicas; got != 0 {
		t.Errorf("after the edit: %d replicas", got)
	}

	write(`sed '/^  phase: /d; s/^status:.*/status:\n  phase: Running/' "$1" >"$1.new" && mv "$1.new" "$1"`)
	kubectl.Run(t, "edit", "dittoserver", "files", "--subresource=status")
	if got := current(t, namespace, "files").Status.Phase; got != dittofsv1alpha1.PhaseRunning {
		t.Errorf("after the edit of the status: phase %q", got)
	}
}

func TestKubectlWaitsForConditionsFieldsAndDeletion(t *testing.T) {
	namespace := cluster.Namespace(t)
	cluster.CreateDittoServer(t, namespace, "files")
	kubectl := cluster.Admin.Kubectl(namespace)
	kubectl.Fail(t, "wait", "--for=condition=Ready", "dittoserver/files", "--timeout=1ms")

	done := make(chan string)
	go func() {
		out := kubectl.Try(t, "wait", "--for=condition=Ready", "dittoserver/files", "--timeout=60s")
		done <- out.Stdout + out.Stderr
	}()
	setStatus(t, namespace, "files", func(status *dittofsv1alpha1.DittoServerStatus) {
		status.Phase = dittofsv1alpha1.PhaseRunning
		status.Conditions = []metav1.Condition{condition("Ready", metav1.ConditionTrue, "AllReady")}
	})
	if out := <-done; !strings.Contains(out, "condition met") {
		t.Errorf("wait for the condition: %s", out)
	}
	kubectl.Run(t, "wait", "--for=jsonpath={.status.phase}=Running", "dittoserver/files", "--timeout=60s")

	kubectl.Run(t, "delete", "dittoserver", "files", "--wait=false")
	go func() {
		out := kubectl.Try(t, "wait", "--for=delete", "dittoserver/files", "--timeout=60s")
		done <- out.Stdout + out.Stderr
	}()
	removeFinalizers(t, namespace, "files")
	// A wait that began after the deletion has nothing to print.
	if out := <-done; out != "" && !strings.Contains(out, "condition met") {
		t.Errorf("wait for the deletion: %s", out)
	}
}

func TestKubectlCreateGetAndReplaceKeepEveryField(t *testing.T) {
	namespace := cluster.Namespace(t)
	kubectl := cluster.Admin.Kubectl(namespace)
	sample, err := os.ReadFile(filepath.Join("..", "..", "..", "artifacts", "samples", "dittoserver.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	kubectl.Stdin(string(sample)).Run(t, "create", "-f", "-")
	stored := kubectl.Run(t, "get", "dittoserver", "files", "-o", "yaml")
	version := current(t, namespace, "files").ResourceVersion
	kubectl.Stdin(stored).Run(t, "replace", "-f", "-")
	expectVersion(t, namespace, "files", version)
	kubectl.Run(t, "label", "dittoserver", "files", "team=storage")
	kubectl.Run(t, "annotate", "dittoserver", "files", "example.com/note=hello")
	server := current(t, namespace, "files")
	if server.Labels["team"] != "storage" || server.Annotations["example.com/note"] != "hello" || server.Generation != 1 {
		t.Errorf("after label and annotate: %+v", server.ObjectMeta)
	}
}
