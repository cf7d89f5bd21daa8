// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"testing"
	"time"
)

// PatienceLimit is how long Eventually waits: far more than anything takes, since it is spent on failures only. What is
// tested is that things happen, and the machines of CI are slow and run several packages at a time. A test that promises
// a time measures it.
const PatienceLimit = 4 * time.Minute

// Eventually asks until check succeeds. At the end of its patience it fails the test with the last error.
func Eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	EventuallyWithin(t, PatienceLimit, what, check)
}

// EventuallyWithin is Eventually with another limit.
func EventuallyWithin(t *testing.T, limit time.Duration, what string, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	last := errors.New("never checked")
	for began := time.Now(); ; {
		err := check(ctx)
		if err == nil {
			return
		}
		// The deadline's own error says less than the one before it.
		if ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %s: %v", what, limit, last)
		case <-time.After(pause(time.Since(began))):
		}
	}
}

// pause is how long to wait before the next question: a tenth of the time waited until now. Dozens of tests ask at once,
// and at a fixed short interval their questions were most of what kube-apiserver and our server did.
func pause(waited time.Duration) time.Duration {
	return min(max(waited/10, 50*time.Millisecond), 500*time.Millisecond)
}
