// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package lifecycle_test follows DittoServers through everything that happens to them in a cluster: create, edit,
// delete, faults of dfs, and the loss of our server, its store, its rights or its host.
// In: a control plane with the real garbage collector, and the stand-in for the dfs API. Out: proof of what stays and
// what goes. Tests that stop or change something for everybody run one after another; all others run side by side
// after them.
package lifecycle_test

import (
	"context"
	"flag"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

// serverArgs shorten what is five minutes by default, so that a test sees it happen.
var serverArgs = []string{"--orphan-sweep-grace=1m"}

func TestMain(m *testing.M) {
	// Tests of this package wait for most of their time. A flag of the command line comes later and wins.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	harness.Run(m, harness.Options{StandIn: true, ServerArgs: serverArgs}, &cluster)
}

// restartWith runs our server over the same store with other flags, and with its usual ones again after the test.
func restartWith(t *testing.T, args ...string) {
	t.Helper()
	t.Cleanup(func() { reinstall(t) })
	reinstall(t, args...)
}

func reinstall(t *testing.T, args ...string) {
	t.Helper()
	if err := cluster.Server.Stop(); err != nil {
		t.Fatal(err)
	}
	root, err := harness.RepoDir()
	if err != nil {
		t.Fatal(err)
	}
	// Not t.Context(), which has ended when a cleanup runs.
	server, err := cluster.Plane.InstallDittoFS(cleanupContext(t), controlplane.DittoFSOptions{
		RepoDir: root, DataDir: cluster.Server.DataDir, GenerateCredentials: true,
		DFSURLTemplate: cluster.StandIn.URLTemplate, ExtraArgs: append(slices.Clone(serverArgs), args...),
	})
	if err != nil {
		t.Fatal(err)
	}
	cluster.Server = server
	awaitServed(t)
}

// stopServer stops our server until start is called, or the test ends.
func stopServer(t *testing.T) (start func()) {
	t.Helper()
	if err := cluster.Server.Stop(); err != nil {
		t.Fatal(err)
	}
	start = func() { t.Helper(); startServer(t) }
	t.Cleanup(start)
	return start
}

func startServer(t *testing.T) {
	t.Helper()
	if err := cluster.Server.Start(cleanupContext(t)); err != nil {
		t.Fatal(err)
	}
	awaitServed(t)
}

// awaitServed waits until our API answers ten times in a row. The aggregator asks all the time, also in the moment
// before the server is ready, and may pass that answer on a moment after it.
func awaitServed(t *testing.T) {
	t.Helper()
	ctx, answers := cleanupContext(t), 0
	err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		answers++
		if _, err := cluster.Admin.DittoServers("default").List(ctx, metav1.ListOptions{Limit: 1}); err != nil {
			answers = 0
		}
		return answers == 10, nil
	})
	if err != nil {
		t.Fatalf("our API is not served: %v", err)
	}
}
