// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"fmt"
	"sync"
	"sync/atomic"
)

// Names are those of so many objects.
func Names(prefix string, count int) []string {
	names := make([]string, count)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%05d", prefix, i)
	}
	return names
}

// Each calls f for 0 to count-1, so many at a time and in this order. The first error of a worker ends that worker, and
// is returned when all have ended.
func Each(workers, count int, f func(i int) error) error {
	errs := make([]error, workers)
	var next atomic.Int64
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= count {
					return
				}
				if errs[worker] = f(i); errs[worker] != nil {
					return
				}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
