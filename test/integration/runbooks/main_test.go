// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package runbooks_test follows docs/runbooks.md with the real kubectl. In: a control plane, a stand-in for the dfs API, and
// the page. Out: proof that each disaster, made to happen, shows what the page says, and that its commands end it. Our
// StatefulSet is applied as it ships, its pods are played, and our process follows them (kubelet_test.go).
package runbooks_test

import (
	"testing"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

const (
	systemNamespace = "dittofs-system"
	serverName      = "dittofs-apiserver"
	apiService      = "v1alpha1.dittofs.io"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) {
	harness.Run(m, harness.Options{StandIn: true, FaultProxy: true}, &cluster)
}
