// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package faults_test holds our server to what it promises about trouble: nothing is lost, nothing doubled, it recovers
// by itself and says what it waits for (docs/faults.md lists the faults with their tests).
// In: a control plane, and a proxy between it and our server that delays, refuses, cuts off and holds back. Out: proof by
// the objects, the requests that were sent and the audit log. Tests that make trouble for everybody run one after another;
// those whose trouble is that of one namespace run side by side after them.
package faults_test

import (
	"flag"
	"testing"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) {
	// Tests of this package wait for most of their time. A flag of the command line comes later and wins.
	if err := flag.Set("test.parallel", "16"); err != nil {
		panic(err)
	}
	harness.Run(m, harness.Options{StandIn: true, FaultProxy: true}, &cluster)
}
