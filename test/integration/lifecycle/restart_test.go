// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func TestNothingChangesWhenOurServerIsKilledAndComesBack(t *testing.T) {
	s := sample(t, cluster.Namespace(t))
	s.awaitReady(t)
	before, status := s.parts(t), s.get(t).ResourceVersion
	cluster.Server.Kill()
	startServer(t)
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
	process := processOf(t, "dittofs-apiserver")
	// Killed, because a graceful stop waits a minute for watches of our API, which go through it.
	if err := syscall.Kill(processOf(t, "kube-apiserver"), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Plane.RestartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitServed(t)
	awaitControllers(t)
	before.expectUntouched(t, s)
	s.awaitReady(t)
	if now := processOf(t, "dittofs-apiserver"); now != process {
		t.Errorf("our server is process %d, was %d: it ended with the host's API", now, process)
	}
}

// server.md 10: the API never exits for a lost lease, and the controllers of the next term begin anew.
func TestControllersComeBackAfterTwoChangesOfTheLeader(t *testing.T) {
	s := sample(t, cluster.Namespace(t))
	s.awaitReady(t)
	before := s.parts(t)
	process := processOf(t, "dittofs-apiserver")
	for n := range 2 {
		thief := fmt.Sprintf("thief-%d", n)
		stealLease(t, thief)
		harness.Eventually(t, "our controllers win the lease back", func(ctx context.Context) error {
			holder, err := leaseHolder(ctx)
			if err == nil && (holder == thief || holder == "") {
				err = fmt.Errorf("it is held by %q", holder)
			}
			return err
		})
		awaitControllers(t)
		before.expectUntouched(t, s)
	}
	if now := processOf(t, "dittofs-apiserver"); now != process {
		t.Errorf("our server is process %d, was %d: it ended with its lease", now, process)
	}
}

func leaseHolder(ctx context.Context) (string, error) {
	lease, err := cluster.Admin.Kube.CoordinationV1().Leases("dittofs-system").Get(ctx, "dittofs-apiserver-controllers", metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	if lease.Spec.HolderIdentity == nil {
		return "", errors.New("the lease has no holder")
	}
	return *lease.Spec.HolderIdentity, nil
}

// stealLease takes the lease for somebody who will not renew it.
func stealLease(t *testing.T, thief string) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"spec":{"holderIdentity":%q}}`, thief)
	_, err := cluster.Admin.Kube.CoordinationV1().Leases("dittofs-system").Patch(t.Context(), "dittofs-apiserver-controllers",
		types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func processOf(t *testing.T, name string) int {
	t.Helper()
	for _, process := range cluster.Plane.Processes() {
		if process.Name == name {
			return process.PID
		}
	}
	t.Fatalf("%s does not run", name)
	return 0
}
