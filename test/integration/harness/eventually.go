// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// PatienceLimit is how long Eventually waits: far more than anything takes, since it is spent on failures only.
const PatienceLimit = 90 * time.Second

// Eventually polls until check succeeds. At the end of its patience it fails the test with the last error.
func Eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	EventuallyWithin(t, PatienceLimit, what, check)
}

// EventuallyWithin is Eventually with another limit.
func EventuallyWithin(t *testing.T, limit time.Duration, what string, check func(context.Context) error) {
	t.Helper()
	last := errors.New("never checked")
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, limit, true, func(ctx context.Context) (bool, error) {
		err := check(ctx)
		// The deadline's own error says less than the one before it.
		if err != nil && ctx.Err() == nil {
			last = err
		}
		return err == nil, nil
	})
	if err != nil {
		t.Fatalf("%s: not within %s: %v", what, limit, last)
	}
}
