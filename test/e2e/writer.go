// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	dittofsclient "github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned"
)

// writer creates classes all the time, and remembers which of them were acknowledged.
type writer struct {
	client dittofsclient.Interface
	prefix string
	stop   context.CancelFunc
	done   chan struct{}

	mu           sync.Mutex
	next         int
	acknowledged map[string]bool
	// unknown may be there or not: the answer was lost.
	unknown map[string]bool
	failed  int
	// told is what the failures since mark were.
	told failures
	// outage is the time of the longest run of failures, since is when the present one began.
	outage time.Duration
	since  time.Time
	// last is the last failure since mark.
	last error
	// wrong is the first failure that no client could cope with by trying again.
	wrong error
}

const (
	writePause = 100 * time.Millisecond
	namePrefix = "write-"
)

func startWriter(ctx context.Context, client dittofsclient.Interface) *writer {
	return resumeWriter(ctx, client, namePrefix, nil)
}

// resumeWriter goes on where another writer has created these classes.
func resumeWriter(ctx context.Context, client dittofsclient.Interface, prefix string, acknowledged []string) *writer {
	ctx, cancel := context.WithCancel(ctx)
	w := &writer{client: client, prefix: prefix, stop: cancel, done: make(chan struct{}), acknowledged: map[string]bool{}, unknown: map[string]bool{}, told: failures{}}
	for _, name := range acknowledged {
		w.acknowledged[name] = true
		if n, err := strconv.Atoi(strings.TrimPrefix(name, prefix)); err == nil {
			w.next = max(w.next, n)
		}
	}
	// Numbers of its own: a class that came after the snapshot of a store may be there all the same.
	w.next = 1000 * (w.next/1000 + 1)
	go func() {
		defer close(w.done)
		every(ctx, writePause, func() { w.write(ctx) })
	}()
	return w
}

func (w *writer) write(ctx context.Context) {
	w.mu.Lock()
	w.next++
	name := fmt.Sprintf("%s%06d", w.prefix, w.next)
	w.mu.Unlock()
	class := &dittofsv1alpha1.DittoServerClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
	// An attempt of its own: one that hangs must not hide the others.
	attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	began := time.Now()
	_, err := w.client.DittofsV1alpha1().DittoServerClasses().Create(attempt, class, metav1.CreateOptions{})
	if ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.acknowledged[name] = true
		w.since = time.Time{}
		return
	}
	w.unknown[name] = true
	w.failed++
	w.told[failureOf(err)]++
	w.last = err
	if w.since.IsZero() {
		w.since = began
	}
	w.outage = max(w.outage, time.Since(w.since))
	if !retriable(err) && w.wrong == nil {
		w.wrong = err
	}
}

// mark begins a new measurement and returns how many writes had failed so far.
func (w *writer) mark() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outage, w.last, w.told = 0, nil, failures{}
	return w.failed
}

// seen describes the writes since mark.
func (w *writer) seen(failedBefore int) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	failed := w.failed - failedBefore
	if failed == 0 {
		return "no write failed"
	}
	return fmt.Sprintf("%d writes failed (%s; for %.1f s at most)", failed, w.told, w.outage.Seconds())
}

// verify finds every acknowledged write.
func (w *writer) verify(ctx context.Context) error {
	w.mu.Lock()
	wanted := make([]string, 0, len(w.acknowledged))
	for name := range w.acknowledged {
		wanted = append(wanted, name)
	}
	wrong := w.wrong
	w.mu.Unlock()
	if wrong != nil {
		return finalError{fmt.Errorf("a write failed in a way that a client cannot try again: %w", wrong)}
	}
	list, err := w.client.DittofsV1alpha1().DittoServerClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	found := make(map[string]bool, len(list.Items))
	for _, class := range list.Items {
		found[class.Name] = true
	}
	for _, name := range wanted {
		if !found[name] {
			return fmt.Errorf("%s was acknowledged and is lost; %d are there", name, len(found))
		}
	}
	return nil
}

// names are the writes that were acknowledged so far.
func (w *writer) names() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.acknowledged))
}

func (w *writer) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acknowledged)
}

func (w *writer) end() {
	w.stop()
	<-w.done
}
