// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package percona_test runs DittoServers on PostgreSQL by Percona: a control plane with our controllers in it, the kind
// PerconaPGCluster, and a stand-in for its operator.
// In: the part of the kind that we use, or the operator's own CRD from PERCONA_CRD. Out: proof of what is asked of the
// operator, when a server starts on its database, and what is never touched. No PostgreSQL runs.
package percona_test

import (
	"flag"
	"testing"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) {
	// Tests of this package wait for most of their time. A flag of the command line comes later and wins.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	harness.Run(m, harness.Options{StandIn: true}, &cluster)
}

// onPercona is a DittoServer in a namespace of its own, on a cluster that it asks for.
func onPercona(t *testing.T, change ...func(*dittofsv1alpha1.DittoServer)) harness.Subject {
	t.Helper()
	s := cluster.Subject(cluster.Namespace(t), "files")
	s.CreateOnPercona(t, change...)
	return s
}

// readyOnPercona is the same once its cluster is ready, and so is the server.
func readyOnPercona(t *testing.T, change ...func(*dittofsv1alpha1.DittoServer)) harness.Subject {
	t.Helper()
	s := onPercona(t, change...)
	cluster.PerconaOperator(t, s.Namespace)
	s.AwaitReady(t)
	return s
}
