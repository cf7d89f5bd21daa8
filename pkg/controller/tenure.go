// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/utils/clock"
)

// errNoTenure is why a write was not sent.
var errNoTenure = errors.New("not sent: the lease of the controllers has run out, and another process may hold it")

// tenure is the time for which a lease entitles to write. A process that stood still, as in a suspended machine, goes on in
// the middle of what it did, and the elector needs up to RenewDeadline to find out that somebody else leads by now: until
// then this is what keeps the process from undoing the other one's work.
//
// A nil tenure never ends: there is no lease, and nobody else.
type tenure struct {
	clock  clock.PassiveClock
	length time.Duration
	lost   func() // called once, when somebody else is seen to hold the lease

	mu      sync.Mutex
	renewed time.Time // when the last renewal that succeeded was sent; zero while nothing is held
}

// holds says whether the lease cannot have run out yet. Both clocks count: the monotonic one stands still while a machine
// sleeps, the other one jumps.
func (t *tenure) holds() bool {
	if t == nil {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.Now()
	return !t.renewed.IsZero() && now.Sub(t.renewed) < t.length && now.Round(0).Sub(t.renewed.Round(0)) < t.length
}

func (t *tenure) renew(sent time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.renewed = sent
}

func (t *tenure) end() {
	t.mu.Lock()
	held := !t.renewed.IsZero()
	t.renewed = time.Time{}
	t.mu.Unlock()
	if held {
		t.lost()
	}
}

// bind returns a connection that reads at any time and writes only while the tenure holds.
func (t *tenure) bind(config *rest.Config) *rest.Config {
	if t == nil || config == nil {
		return config
	}
	bound := rest.CopyConfig(config)
	bound.Wrap(func(next http.RoundTripper) http.RoundTripper { return tenured{t, next} })
	return bound
}

type tenured struct {
	tenure *tenure
	next   http.RoundTripper
}

func (t tenured) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet && req.Method != http.MethodHead && !t.tenure.holds() {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, errNoTenure
	}
	return t.next.RoundTrip(req)
}

// WrappedRoundTripper lets client-go find the transport below.
func (t tenured) WrappedRoundTripper() http.RoundTripper { return t.next }

// watchedLock is a lock whose renewals make a tenure, and whose loss ends it.
type watchedLock struct {
	resourcelock.Interface
	tenure *tenure
}

func (l watchedLock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.Interface.Get(ctx)
	if err == nil && record.HolderIdentity != l.Identity() {
		l.tenure.end()
	}
	return record, raw, err
}

func (l watchedLock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.written(record, func() error { return l.Interface.Create(ctx, record) })
}

func (l watchedLock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.written(record, func() error { return l.Interface.Update(ctx, record) })
}

// written counts from before the request: others count from when they see it.
func (l watchedLock) written(record resourcelock.LeaderElectionRecord, write func() error) error {
	sent := l.tenure.clock.Now()
	if err := write(); err != nil {
		return err
	}
	if record.HolderIdentity == l.Identity() {
		l.tenure.renew(sent)
	} else {
		l.tenure.end()
	}
	return nil
}
