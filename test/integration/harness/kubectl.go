// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Kubectl runs the real kubectl as one user in one namespace.
type Kubectl struct {
	user      *User
	namespace string
	stdin     string
	env       []string
}

// Output is what a run of kubectl printed.
type Output struct {
	Stdout, Stderr string
	ExitCode       int
}

// Kubectl returns a runner; the namespace may be empty.
func (u *User) Kubectl(namespace string) Kubectl { return Kubectl{user: u, namespace: namespace} }

// Stdin gives the next run something to read, for "-f -".
func (k Kubectl) Stdin(text string) Kubectl {
	k.stdin = text
	return k
}

// Env adds NAME=value, for example KUBE_EDITOR.
func (k Kubectl) Env(variables ...string) Kubectl {
	k.env = append(append([]string{}, k.env...), variables...)
	return k
}

// Run fails the test unless kubectl succeeds, and returns its standard output.
func (k Kubectl) Run(t *testing.T, args ...string) string {
	t.Helper()
	output := k.Try(t, args...)
	if output.ExitCode != 0 {
		t.Fatalf("kubectl %s: exit status %d\n%s%s", strings.Join(args, " "), output.ExitCode, output.Stdout, output.Stderr)
	}
	return output.Stdout
}

// Fail fails the test unless kubectl fails, and returns its standard error.
func (k Kubectl) Fail(t *testing.T, args ...string) string {
	t.Helper()
	output := k.Try(t, args...)
	if output.ExitCode == 0 {
		t.Fatalf("kubectl %s succeeded:\n%s%s", strings.Join(args, " "), output.Stdout, output.Stderr)
	}
	return output.Stderr
}

// Try returns whatever came of it.
func (k Kubectl) Try(t *testing.T, args ...string) Output {
	t.Helper()
	binary, err := Binary("kubectl")
	if err != nil {
		t.Fatal(err)
	}
	global := []string{"--kubeconfig=" + k.user.Kubeconfig}
	if k.namespace != "" {
		global = append(global, "--namespace="+k.namespace)
	}
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), binary, append(global, args...)...)
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(k.stdin), &stdout, &stderr
	// Neither settings nor caches of whoever runs the test, and no proxy on the way to loopback.
	command.Env = append([]string{
		"HOME=" + k.user.home, "KUBECACHEDIR=" + k.user.home + "/cache", "PATH=" + os.Getenv("PATH"), "TERM=dumb", "NO_PROXY=127.0.0.1",
	}, k.env...)
	err = command.Run()
	if exit := (&exec.ExitError{}); err != nil && !errors.As(err, &exit) {
		t.Fatalf("run kubectl: %v", err)
	}
	return Output{Stdout: stdout.String(), Stderr: stderr.String(), ExitCode: command.ProcessState.ExitCode()}
}
