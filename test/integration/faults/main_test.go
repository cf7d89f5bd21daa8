// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package faults_test holds our server to what it promises about trouble: nothing is lost, nothing doubled, it recovers
// by itself and says what it waits for (docs/faults.md lists the faults with their tests).
// In: a control plane, and a proxy between it and our server that delays, refuses, cuts off and holds back. Out: proof by
// the objects, the requests that were sent and the audit log. Tests that make trouble for everybody run one after another;
// those whose trouble is that of one namespace run side by side after them.
package faults_test

import (
	"context"
	"flag"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

// patience is generous: what is tested is that things happen, and the machines of CI are slow.
const patience = 4 * time.Minute

func TestMain(m *testing.M) {
	// Tests of this package wait for most of their time. A flag of the command line comes later and wins.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	harness.Run(m, harness.Options{StandIn: true, FaultProxy: true}, &cluster)
}

// awaitServed waits until our API answers ten times in a row. The aggregator asks all the time, also in the moment
// before the server is ready, and may pass that answer on a moment after it.
func awaitServed(t *testing.T) {
	t.Helper()
	answers := 0
	// Not by t.Context(), which has ended when a cleanup runs.
	err := wait.PollUntilContextCancel(cleanupContext(t), 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
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

// restartKilled kills our server as a lost node would, and starts it again.
func restartKilled(t *testing.T) {
	t.Helper()
	cluster.Server.Kill()
	if err := cluster.Server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitServed(t)
}

// cleanupContext outlives the test but not our patience: t.Context() has ended when a cleanup runs.
func cleanupContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	t.Cleanup(cancel)
	return ctx
}
