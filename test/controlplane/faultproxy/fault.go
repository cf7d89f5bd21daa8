// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faultproxy

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Request is what a fault goes by, in the words of RBAC. A server-side apply is a patch.
type Request struct {
	Verb, Group, Resource, Subresource, Namespace, Name string
	// DryRun says that nothing was to be stored.
	DryRun bool
	// UserAgent is how the client calls itself.
	UserAgent string
}

// Write says that the request changes what is stored.
func (r Request) Write() bool {
	return !r.DryRun && slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, r.Verb)
}

// Fault is what goes wrong with the requests that it matches. One of the kinds below Match is set.
type Fault struct {
	// Match chooses requests. Nil: all.
	Match func(Request) bool
	// Skip lets the first matches pass, Count ends the fault after so many: 0 means never.
	Skip, Count int
	// Share of the matches that the fault hits, from 0 to 1. 0 means all. Which ones, is the same in every run.
	Share float64

	// Delay keeps each request waiting.
	Delay time.Duration
	// Status answers in the place of kube-apiserver: 409, 429, 500, 503, and so on.
	Status int
	// RetryAfter is what 429 and 503 ask for, in seconds. 0: nothing.
	RetryAfter int
	// Hang keeps each request without an answer until the fault is removed, and then cuts it off.
	Hang bool
	// Cut ends the connection in the middle of the answer.
	Cut bool
	// Drop ends the connection in the place of an answer.
	Drop bool
	// Swallow has the request carried out and answers with 504, as a proxy does whose patience has ended.
	Swallow bool
	// Hold keeps back what watches have to say, those under way included, until the fault is removed.
	Hold bool
}

type active struct {
	Fault
	removed chan struct{}

	mu     sync.Mutex
	random *rand.Rand
	seen   int
	hits   int
}

// Handle is a fault that was added.
type Handle struct {
	p *Proxy
	a *active
}

// Add begins a fault. Faults are tried in the order in which they were added; the first that hits a request has it,
// except for delays, which add up.
func (p *Proxy) Add(f Fault) *Handle {
	a := &active{Fault: f, removed: make(chan struct{}), random: rand.New(rand.NewPCG(1, 2))}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, a)
	return &Handle{p, a}
}

// Remove ends the fault. Removing twice is fine.
func (h *Handle) Remove() {
	h.p.mu.Lock()
	defer h.p.mu.Unlock()
	h.p.faults = slices.DeleteFunc(h.p.faults, func(a *active) bool { return a == h.a })
	select {
	case <-h.a.removed:
	default:
		close(h.a.removed)
	}
}

// Hits is how many requests the fault has hit.
func (h *Handle) Hits() int {
	h.a.mu.Lock()
	defer h.a.mu.Unlock()
	return h.a.hits
}

func (p *Proxy) clear() {
	p.mu.Lock()
	faults := slices.Clone(p.faults)
	p.mu.Unlock()
	for _, a := range faults {
		(&Handle{p, a}).Remove()
	}
}

// hit says whether the fault is for this request, and counts it.
func (a *active) hit(r Request) bool {
	if a.Match != nil && !a.Match(r) {
		return false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen++
	if a.seen <= a.Skip || a.Count > 0 && a.hits >= a.Count || a.Share > 0 && a.random.Float64() >= a.Share {
		return false
	}
	a.hits++
	return true
}

// find returns how long a request has to wait, and the fault that has it.
func (p *Proxy) find(r Request) (delay time.Duration, fault *active) {
	p.mu.Lock()
	faults := slices.Clone(p.faults)
	p.mu.Unlock()
	for _, a := range faults {
		switch {
		case a.Hold: // decided while the watch goes on
		case !a.hit(r):
		case a.Delay > 0:
			delay += a.Delay
		default:
			return delay, a
		}
	}
	return delay, nil
}

// holding returns the fault that keeps back what a watch has to say, if there is one.
func (p *Proxy) holding(r Request) *active {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.faults {
		if a.Hold && (a.Match == nil || a.Match(r)) {
			return a
		}
	}
	return nil
}

var reasons = map[int]string{
	http.StatusUnauthorized: "Unauthorized", http.StatusForbidden: "Forbidden", http.StatusNotFound: "NotFound",
	http.StatusConflict: "Conflict", http.StatusTooManyRequests: "TooManyRequests",
	http.StatusInternalServerError: "InternalError", http.StatusServiceUnavailable: "ServiceUnavailable",
	http.StatusGatewayTimeout: "Timeout",
}
