// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package hazards_test meets what breaks aggregated API servers in other projects, where no other package has reason to.
// docs/hazards.md lists all of them, each with its test.
package hazards_test

import (
	"testing"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) {
	harness.Run(m, harness.Options{WithoutControllers: true, ServerArgs: []string{harness.WithoutControllers()}}, &cluster)
}
