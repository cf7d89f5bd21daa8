// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// kind of an operation on one object.
type kind string

const (
	create  kind = "create"
	write   kind = "write"   // a patch without a condition
	replace kind = "replace" // an update of the version that was read
	remove  kind = "delete"
	read    kind = "read"
)

// outcome of an operation.
type outcome string

const (
	done     outcome = "done"
	absent   outcome = "absent"   // refused or answered with NotFound
	exists   outcome = "exists"   // refused with AlreadyExists
	conflict outcome = "conflict" // refused since the version is another one
	unknown  outcome = "unknown"  // no answer, or one from which nothing can be concluded
)

// operation is what is asked of one object, and what came of it. Every value is written once.
type operation struct {
	kind     kind
	value    string // to be written
	expected string // replace: the value that was read
	outcome  outcome
	got      string // read: the value
	version  string // the resource version of a write that was answered
}

func (o operation) String() string {
	switch o.kind {
	case read:
		return fmt.Sprintf("read: %s %s", o.outcome, o.got)
	case replace:
		return fmt.Sprintf("replace %s by %s: %s", o.expected, o.value, o.outcome)
	}
	return fmt.Sprintf("%s %s: %s", o.kind, o.value, o.outcome)
}

// none is the state of an object that is not there.
const none = ""

// model is one object: a register that can be absent. An unknown operation is always possible, since it lasts until the end
// of the run: one that was never carried out comes after everything else there.
var model = porcupine.Model{
	Init: func() any { return none },
	Step: func(state, _, output any) (bool, any) {
		now, o := state.(string), output.(operation)
		switch o.outcome {
		case absent:
			return now == none, now
		case exists:
			return now != none, now
		case conflict:
			return now != none && now != o.expected, now
		}
		possible, next := apply(now, o)
		if !possible && o.outcome == unknown {
			return true, now
		}
		return possible, next
	},
	Equal:             func(a, b any) bool { return a == b },
	DescribeOperation: func(_, output any) string { return output.(operation).String() },
	DescribeState:     func(state any) string { return fmt.Sprintf("%q", state) },
}

// apply is what an operation does that is carried out.
func apply(now string, o operation) (possible bool, next string) {
	switch o.kind {
	case create:
		return now == none, o.value
	case write:
		return now != none, o.value
	case replace:
		return now == o.expected, o.value
	case remove:
		return now != none, none
	case read:
		return now == o.got, now
	}
	return false, now
}

// history is what was done to all objects. It is safe for use by several goroutines.
type history struct {
	began time.Time

	mu       sync.Mutex
	objects  map[string][]porcupine.Operation
	unknowns map[string]int
	counts   map[outcome]int
}

func newHistory() *history {
	return &history{began: time.Now(), objects: map[string][]porcupine.Operation{}, unknowns: map[string]int{}, counts: map[outcome]int{}}
}

func (h *history) now() int64 { return time.Since(h.began).Nanoseconds() }

// add records an operation of a client that was called at a time and is answered now.
func (h *history) add(client int, object string, called int64, o operation) {
	returned := h.now()
	if o.outcome == unknown {
		returned = math.MaxInt64
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.objects[object] = append(h.objects[object], porcupine.Operation{ClientId: client, Call: called, Output: o, Return: returned})
	h.counts[o.outcome]++
	if o.outcome == unknown {
		h.unknowns[object]++
	}
}

// limits of one object: an operation of unknown outcome may have come at any time until the end, so that each of them
// multiplies what the checker has to try.
const (
	maxUnknown    = 4
	maxOperations = 600
)

// retired says that an object has had enough.
func (h *history) retired(object string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.unknowns[object] >= maxUnknown || len(h.objects[object]) >= maxOperations
}

func (h *history) answered() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts[done]
}

// check says of each object whether its history is linearizable: Ok, Illegal, or Unknown after the limit.
func (h *history) check(limit time.Duration) map[string]porcupine.CheckResult {
	h.mu.Lock()
	defer h.mu.Unlock()
	results := map[string]porcupine.CheckResult{}
	for object, operations := range h.objects {
		results[object] = porcupine.CheckOperationsTimeout(model, operations, limit)
	}
	return results
}

// written are the values that were acknowledged with a version, by object and version.
func (h *history) written() map[string]map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	found := map[string]map[string]string{}
	for object, operations := range h.objects {
		found[object] = map[string]string{}
		for _, op := range operations {
			if o := op.Output.(operation); o.outcome == done && o.version != "" {
				found[object][o.version] = o.value
			}
		}
	}
	return found
}
