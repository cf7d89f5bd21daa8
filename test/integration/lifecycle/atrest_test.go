// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// renewalsPerMinute of the lease, of which there is one every two seconds.
const renewalsPerMinute = 30

// server.md 17: no request at rest but reads, watches and the lease. DITTOFS_TEST_REST_MINUTES makes it more than one minute.
func TestNothingIsAskedOfTheHostAtRest(t *testing.T) {
	minutes := 1
	if text := os.Getenv("DITTOFS_TEST_REST_MINUTES"); text != "" {
		var err error
		if minutes, err = strconv.Atoi(text); err != nil {
			t.Fatalf("DITTOFS_TEST_REST_MINUTES: %v", err)
		}
	}
	s, all := sample(t, cluster.Namespace(t)), everything(t)
	// A load balancer that stays pending is said once, two minutes later: that belongs to no rest.
	s.patch(t, `{"spec":{"adapterServices":{"type":"ClusterIP"}}}`)
	s.awaitReady(t)
	// The record of the store's revision, at most 30 s after the last change, and events belong to what happened before.
	awaitRenewals(t, 20)
	before, status, position := s.parts(t), s.get(t).ResourceVersion, auditPosition(t)
	allBefore, allStatus := all.parts(t), all.get(t).ResourceVersion
	awaitRenewals(t, minutes*renewalsPerMinute)

	counts := map[string]int{}
	for _, request := range auditSince(t, position) {
		if request.User.Username != harness.ServerUser {
			continue
		}
		what := requestOf(request)
		counts[what]++
		switch {
		case slices.Contains([]string{"get", "list", "watch"}, request.Verb):
		case what == "update leases":
		case what == "create subjectaccessreviews", what == "create tokenreviews":
			// Not of our own accord: somebody called our API, such as the garbage collector for discovery.
		default:
			t.Errorf("at rest our server sends %s %s at %s", request.Verb, request.RequestURI, request.RequestReceivedTimestamp.Format(time.RFC3339))
		}
	}
	t.Logf("requests of our server in %d minutes at rest: %v", minutes, counts)
	if counts["update leases"] == 0 {
		t.Error("the audit log does not show the lease: this test looks at the wrong user")
	}
	// Reads that are repeated are no rest either. The admission plugin for mutating policies looks every 5 s whether the
	// schemas of the host have changed (typeconverter.go in k8s.io/apiserver); a watch that ends may begin with a list.
	for what, n := range counts {
		repeated := strings.HasPrefix(what, "get ") || strings.HasPrefix(what, "list ")
		if repeated && what != "get /openapi/v3" && n > minutes {
			t.Errorf("at rest our server sends %q %d times", what, n)
		}
	}
	before.expectUntouched(t, s)
	allBefore.expectUntouched(t, all)
	if now := s.get(t).ResourceVersion; now != status {
		t.Errorf("at rest the DittoServer is written: version %s, was %s", now, status)
	}
	if now := all.get(t).ResourceVersion; now != allStatus {
		t.Errorf("at rest the DittoServer with everything is written: version %s, was %s", now, allStatus)
	}
}

func requestOf(request auditv1.Event) string {
	if request.ObjectRef == nil {
		return fmt.Sprintf("%s %s", request.Verb, request.RequestURI)
	}
	return fmt.Sprintf("%s %s", request.Verb, request.ObjectRef.Resource)
}
