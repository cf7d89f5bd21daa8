// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package lifecycle_test follows DittoServers through everything that happens to them in a cluster: create, edit,
// delete, faults of dfs, and the loss of our server, its store, its rights or its host.
// In: a control plane with the real garbage collector, and the stand-in for the dfs API. Out: proof of what stays and
// what goes. Tests that stop or change something for everybody run one after another; all others run side by side
// after them.
package lifecycle_test

import (
	"flag"
	"testing"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

// serverArgs shorten what is five minutes by default, so that a test sees it happen.
var serverArgs = []string{"--orphan-sweep-grace=1m"}

func TestMain(m *testing.M) {
	// Tests of this package wait for most of their time. A flag of the command line comes later and wins.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	harness.Run(m, harness.Options{StandIn: true, ServerArgs: serverArgs}, &cluster)
}

func restartWith(t *testing.T, args ...string) { t.Helper(); cluster.RestartWith(t, args...) }

func reinstall(t *testing.T, args ...string) { t.Helper(); cluster.Reinstall(t, args...) }

func stopServer(t *testing.T) (start func()) { t.Helper(); return cluster.StopServer(t) }

func awaitServed(t *testing.T) { t.Helper(); cluster.AwaitServed(t) }
