// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"errors"
	"slices"
	"sync"
	"testing"
)

func TestEachCallsEveryNumberOnce(t *testing.T) {
	var mu sync.Mutex
	var called []int
	err := Each(4, 100, func(i int) error {
		mu.Lock()
		defer mu.Unlock()
		called = append(called, i)
		return nil
	})
	slices.Sort(called)
	if err != nil || len(called) != 100 || called[0] != 0 || called[99] != 99 || len(slices.Compact(called)) != 100 {
		t.Errorf("called %v, %v", called, err)
	}
}

func TestEachReturnsAnError(t *testing.T) {
	broken := errors.New("broken")
	if err := Each(2, 10, func(i int) error {
		if i == 7 {
			return broken
		}
		return nil
	}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
