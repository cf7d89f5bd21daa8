// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// awaitControllers returns when a DittoServer that was created just now is Ready: whatever our controllers had to do
// before it, they have done by then.
func awaitControllers(t *testing.T) {
	t.Helper()
	newSubject(t)
}

// awaitRenewals waits until the lease of our controllers was renewed so many times: a clock that stands still when they do.
func awaitRenewals(t *testing.T, count int) {
	t.Helper()
	var last time.Time
	seen := -1
	harness.EventuallyWithin(t, time.Duration(count)*6*time.Second, fmt.Sprintf("the lease is renewed %d times", count), func(ctx context.Context) error {
		lease, err := cluster.Lease(ctx)
		if err != nil {
			return err
		}
		if lease.Spec.RenewTime != nil && !lease.Spec.RenewTime.Time.Equal(last) {
			last = lease.Spec.RenewTime.Time
			seen++
		}
		if seen < count {
			return fmt.Errorf("seen %d renewals", seen)
		}
		return nil
	})
}

// awaitFinalizers waits until a deleted DittoServer is held by nobody else.
func (s subject) awaitFinalizers(t *testing.T, want ...string) {
	t.Helper()
	harness.Eventually(t, s.name+" is held by "+strings.Join(want, ", "), func(ctx context.Context) error {
		server, err := s.find(ctx)
		if err != nil {
			return err
		}
		if server.DeletionTimestamp == nil || !slices.Equal(server.Finalizers, want) {
			return fmt.Errorf("deleted at %v, finalizers %v", server.DeletionTimestamp, server.Finalizers)
		}
		return nil
	})
}

// expectAdopted fails the test for each part that does not carry the UID of the DittoServer as it is now.
func (s subject) expectAdopted(t *testing.T) {
	t.Helper()
	uid := string(s.get(t).UID)
	for name, part := range s.parts(t).without("pods/", "persistentvolumeclaims/", "secrets/") {
		if got := part.Labels[dittofsv1alpha1.LabelServerUID]; got != uid {
			t.Errorf("%s belongs to the DittoServer with UID %s, want %s", name, got, uid)
		}
	}
	if restarts := s.pod(t).Status.ContainerStatuses[0].RestartCount; restarts != 0 {
		t.Errorf("the container was restarted %d times", restarts)
	}
}
