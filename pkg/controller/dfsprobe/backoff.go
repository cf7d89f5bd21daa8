// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// DefaultInterval is the time between two rounds with a server that answers, if its spec does not say.
	DefaultInterval = 30 * time.Second
	// minInterval and maxInterval bound spec.adapterDiscovery.pollingInterval.
	minInterval = 5 * time.Second
	maxInterval = time.Hour
	// firstRetry and maxRetry bound the time between two rounds with one that does not: five tries in the first minutes,
	// then one in five minutes. They bound the tries of what dfs refused, too.
	firstRetry = 5 * time.Second
	maxRetry   = 5 * time.Minute
	// minPause keeps a clock that jumps from turning rounds into a loop.
	minPause = time.Second
	// jitter spreads servers that were first asked at the same time.
	jitter = 0.1
)

// delay is the time until the next round after so many failed ones in a row.
func delay(interval time.Duration, failures int) time.Duration {
	if failures == 0 {
		return wait.Jitter(interval, jitter)
	}
	d := firstRetry
	for i := 1; i < failures && d < maxRetry; i++ {
		d *= 2
	}
	return min(d, maxRetry)
}
