// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// Etcd is an etcd of a test's own, beside that of the plane.
type Etcd struct {
	Endpoint string

	args    []string
	command *exec.Cmd
	log     *os.File
}

// StartEtcd runs one for the time of the test, which answers at https or http.
func (c *Cluster) StartEtcd(t *testing.T, scheme string, args ...string) *Etcd {
	t.Helper()
	address := fmt.Sprintf("127.0.0.1:%d", FreePort(t))
	endpoint, peer := scheme+"://"+address, fmt.Sprintf("http://127.0.0.1:%d", FreePort(t))
	log, err := os.Create(filepath.Join(c.Dir, "logs", "external-etcd.log"))
	if err != nil {
		t.Fatal(err)
	}
	e := &Etcd{Endpoint: endpoint, log: log, args: slices.Concat([]string{
		"--data-dir=" + filepath.Join(t.TempDir(), "etcd"), "--name=one",
		"--listen-client-urls=" + endpoint, "--advertise-client-urls=" + endpoint,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=one=" + peer,
	}, args)}
	t.Cleanup(func() {
		e.Kill()
		_ = log.Close()
	})
	e.Start(t)
	Eventually(t, "etcd listens", func(ctx context.Context) error {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	})
	return e
}

// Start runs it again over its data.
func (e *Etcd) Start(t *testing.T) {
	t.Helper()
	binary, err := Binary("etcd")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary, e.args...)
	command.Stdout, command.Stderr = e.log, e.log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	e.command = command
}

// Kill ends it as a lost node would.
func (e *Etcd) Kill() {
	if e.command == nil {
		return
	}
	_ = e.command.Process.Kill()
	_ = e.command.Wait()
}

// FreePort is one that nobody listens on at the moment.
func FreePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
