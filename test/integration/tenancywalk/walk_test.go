// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package tenancywalk_test

import (
	"testing"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func TestTheTenancyPageIsFollowedWithKubectl(t *testing.T) {
	page := harness.OpenPage(t, cluster.Admin, "tenancy.md", "prelude")
	for _, step := range page.Of(t, "walk") {
		t.Logf("line %d:\n%s", step.Line, page.Follow(t, step))
	}
}
