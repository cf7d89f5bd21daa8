// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/util/cert"
)

// ServerFlags are those of a server that would start: on a free port, with a certificate and an empty store.
// Flags that follow win over them.
func ServerFlags(t *testing.T, kubeconfig string) []string {
	t.Helper()
	dir := t.TempDir()
	certificate, key, err := cert.GenerateSelfSignedCertKey("localhost", []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{"tls.crt": certificate, "tls.key": key}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(FreePort(t)),
		"--tls-cert-file=" + filepath.Join(dir, "tls.crt"),
		"--tls-private-key-file=" + filepath.Join(dir, "tls.key"),
		"--data-dir=" + filepath.Join(dir, "data"),
	}
}

// RunServer runs our server for as long as it takes to end by itself, and fails the test if it does not.
func RunServer(t *testing.T, limit time.Duration, args ...string) Output {
	t.Helper()
	if err := needs("dittofs-apiserver", "make build"); err != nil {
		t.Fatal(err)
	}
	binary, err := Binary("dittofs-apiserver")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var stdout, stderr strings.Builder
	command := exec.CommandContext(ctx, binary, args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	err = command.Run()
	if ctx.Err() != nil {
		t.Fatalf("the server still runs after %s:\n%s", limit, stderr.String())
	}
	if exit := (&exec.ExitError{}); err != nil && !errors.As(err, &exit) {
		t.Fatalf("run the server: %v", err)
	}
	return Output{Stdout: stdout.String(), Stderr: stderr.String(), ExitCode: command.ProcessState.ExitCode()}
}
