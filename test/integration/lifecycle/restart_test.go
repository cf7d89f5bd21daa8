// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"fmt"
	"syscall"
	"testing"
)

func TestNothingChangesWhenOurServerIsKilledAndComesBack(t *testing.T) {
	s := sample(t, cluster.Namespace(t))
	s.awaitReady(t)
	before, status := s.parts(t), s.get(t).ResourceVersion
	cluster.RestartKilled(t)
	awaitControllers(t)
	before.expectUntouched(t, s)
	if now := s.get(t).ResourceVersion; now != status {
		t.Errorf("the DittoServer was written: version %s, was %s", now, status)
	}
	s.awaitReady(t)
}

func TestNothingChangesWhenTheHostsAPIIsRestarted(t *testing.T) {
	s := sample(t, cluster.Namespace(t))
	s.awaitReady(t)
	before := s.parts(t)
	process := cluster.ProcessOf(t, "dittofs-apiserver")
	// Killed, because a graceful stop waits a minute for watches of our API, which go through it.
	if err := syscall.Kill(cluster.ProcessOf(t, "kube-apiserver"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Plane.RestartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitServed(t)
	awaitControllers(t)
	before.expectUntouched(t, s)
	s.awaitReady(t)
	if now := cluster.ProcessOf(t, "dittofs-apiserver"); now != process {
		t.Errorf("our server is process %d, was %d: it ended with the host's API", now, process)
	}
}

// server.md 10: the API never exits for a lost lease, and the controllers of the next term begin anew.
func TestControllersComeBackAfterTwoChangesOfTheLeader(t *testing.T) {
	s := sample(t, cluster.Namespace(t))
	s.awaitReady(t)
	before := s.parts(t)
	process := cluster.ProcessOf(t, "dittofs-apiserver")
	for n := range 2 {
		thief := fmt.Sprintf("thief-%d", n)
		cluster.StealLease(t, thief)
		cluster.AwaitHolder(t, thief)
		awaitControllers(t)
		before.expectUntouched(t, s)
	}
	if now := cluster.ProcessOf(t, "dittofs-apiserver"); now != process {
		t.Errorf("our server is process %d, was %d: it ended with its lease", now, process)
	}
}
