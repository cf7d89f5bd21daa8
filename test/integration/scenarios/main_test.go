// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package scenarios_test plays the seventeen situations in which the DittoFS operator v0.29 loses data, loops, or says
// nothing; docs/scenarios.md has the list. One test each, named after it.
// In: a control plane with the real garbage collector, and stand-ins for dfs and for the Percona operator. Out: proof of
// what happens here instead. Tests that stop our server begin with that, and go on side by side with all others.
package scenarios_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) {
	// They wait for most of their time. A flag of the command line comes later and wins.
	if err := flag.Set("test.parallel", "17"); err != nil {
		panic(err)
	}
	harness.Run(m, harness.Options{StandIn: true}, &cluster)
}

// patience is how long a fault of dfs may take to be seen, told and, after growing pauses, found mended.
const patience = 5 * time.Minute

// asked makes our server ask dfs as often as it ever does, so that a test sees soon what dfs says.
func asked(server *dittofsv1alpha1.DittoServer) {
	server.Spec.AdapterDiscovery.PollingInterval = "5s"
}

func equal[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	return nil
}
