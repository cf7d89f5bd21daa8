// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

// StopServer stops our server until start is called, or the test ends.
func (c *Cluster) StopServer(t *testing.T) (start func()) {
	t.Helper()
	if err := c.Server.Stop(); err != nil {
		t.Fatal(err)
	}
	start = func() { t.Helper(); c.StartServer(t) }
	t.Cleanup(start)
	return start
}

// StartServer starts it again, unless it runs, and waits until it is served.
func (c *Cluster) StartServer(t *testing.T) {
	t.Helper()
	if err := c.Server.Start(CleanupContext(t)); err != nil {
		t.Fatal(err)
	}
	c.AwaitServed(t)
}

// RestartKilled kills our server as a lost node would, and starts it again.
func (c *Cluster) RestartKilled(t *testing.T) {
	t.Helper()
	c.Server.Kill()
	c.StartServer(t)
}

// ProcessOf is the process of a part of the plane, such as "dittofs-apiserver".
func (c *Cluster) ProcessOf(t *testing.T, name string) int {
	t.Helper()
	for _, process := range c.Plane.Processes() {
		if process.Name == name {
			return process.PID
		}
	}
	t.Fatalf("%s does not run", name)
	return 0
}

// RestartWith runs our server over the same store with further arguments, and with its usual ones again after the test.
func (c *Cluster) RestartWith(t *testing.T, args ...string) {
	t.Helper()
	t.Cleanup(func() { c.Reinstall(t) })
	c.Reinstall(t, args...)
}

// ReinstallBuild runs another build of our server over the same store; empty is that of `make build`.
func (c *Cluster) ReinstallBuild(t *testing.T, binary string) {
	t.Helper()
	c.options.ServerBinary = binary
	c.Reinstall(t)
}

// Reinstall runs our server over the same store, with further arguments.
func (c *Cluster) Reinstall(t *testing.T, args ...string) {
	t.Helper()
	if err := c.Server.Stop(); err != nil {
		t.Fatal(err)
	}
	server, err := c.InstallOver(CleanupContext(t), args...)
	if err != nil {
		t.Fatal(err)
	}
	c.Server = server
	c.AwaitServed(t)
}

// InstallOver starts our server, which is stopped, over the same store and with further arguments.
func (c *Cluster) InstallOver(ctx context.Context, args ...string) (*controlplane.DittoFS, error) {
	root, err := RepoDir()
	if err != nil {
		return nil, err
	}
	options := c.serverOptions(root, args...)
	options.DataDir = c.Server.DataDir
	return c.Plane.InstallDittoFS(ctx, options)
}

// AwaitServed waits until our API answers ten times in a row. The aggregator asks all the time, also in the moment
// before the server is ready, and may pass that answer on a moment after it.
func (c *Cluster) AwaitServed(t *testing.T) {
	t.Helper()
	ctx, answers := CleanupContext(t), 0
	err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		answers++
		if _, err := c.Admin.DittoServers("default").List(ctx, metav1.ListOptions{Limit: 1}); err != nil {
			answers = 0
		}
		return answers == 10, nil
	})
	if err != nil {
		t.Fatalf("our API is not served: %v", err)
	}
}

// CleanupContext outlives the test but not our patience: t.Context() has ended when a cleanup runs.
func CleanupContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), PatienceLimit)
	t.Cleanup(cancel)
	return ctx
}
