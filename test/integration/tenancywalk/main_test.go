// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package tenancywalk_test follows docs/tenancy.md with the real kubectl: a platform admin and two tenants, who log in by
// certificates that the cluster has signed. In: a control plane with a stand-in for the dfs API, and the page. Out: proof
// that every command does what the page says, and prints it. It makes a default class, which is why it has a cluster of its own.
package tenancywalk_test

import (
	"testing"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) { harness.Run(m, harness.Options{StandIn: true}, &cluster) }
