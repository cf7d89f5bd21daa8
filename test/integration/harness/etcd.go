// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

// Etcd is an etcd of a test's own, beside that of the plane.
type Etcd struct {
	Endpoint string
	member   *controlplane.EtcdMember
}

// StartEtcd runs one for the time of the test, which answers at https or http.
func (c *Cluster) StartEtcd(t *testing.T, scheme string, args ...string) *Etcd {
	t.Helper()
	binary, err := Binary("etcd")
	if err != nil {
		t.Fatal(err)
	}
	member, err := controlplane.NewEtcdMember(binary, filepath.Join(t.TempDir(), "etcd"), "one", scheme)
	if err != nil {
		t.Fatal(err)
	}
	member.Log = filepath.Join(c.Dir, "logs", "external-etcd.log")
	t.Cleanup(func() { _ = member.Close() })
	if err := controlplane.Form([]*controlplane.EtcdMember{member}, args...); err != nil {
		t.Fatal(err)
	}
	_, address, _ := strings.Cut(member.Client, "://")
	Eventually(t, "etcd listens", func(ctx context.Context) error {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	})
	return &Etcd{member.Client, member}
}

// Start runs it again over its data.
func (e *Etcd) Start(t *testing.T) {
	t.Helper()
	if err := e.member.Start(); err != nil {
		t.Fatal(err)
	}
}

// Kill ends it as a lost node would.
func (e *Etcd) Kill() { e.member.Kill() }

// FreePort is one that nobody listens on at the moment.
func FreePort(t *testing.T) int {
	t.Helper()
	ports, err := controlplane.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	return ports[0]
}
