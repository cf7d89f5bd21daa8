// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	testclock "k8s.io/utils/clock/testing"
)

// A process that was stopped for longer than its lease goes on with the request that it was about to send.
func TestNothingIsWrittenOnceTheLeaseMayBeSomebodyElses(t *testing.T) {
	var got atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { got.Add(1) }))
	defer server.Close()
	clock := testclock.NewFakePassiveClock(time.Now())
	held := &tenure{clock: clock, length: quick.LeaseDuration, lost: func() {}}
	client, err := rest.HTTPClientFor(held.bind(&rest.Config{Host: server.URL}))
	if err != nil {
		t.Fatal(err)
	}
	send := func(method string) error {
		req, err := http.NewRequestWithContext(t.Context(), method, server.URL, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err == nil {
			_ = res.Body.Close()
		}
		return err
	}
	expect := func(what string, err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s gives %v, want %v", what, err, want)
		}
	}
	expect("a write before the lease is won", send(http.MethodPatch), errNoTenure)
	held.renew(clock.Now())
	expect("a write under the lease", send(http.MethodPatch), nil)
	clock.SetTime(clock.Now().Add(quick.LeaseDuration))
	for _, method := range []string{http.MethodPatch, http.MethodPost, http.MethodPut, http.MethodDelete} {
		expect(method+" after the lease", send(method), errNoTenure)
	}
	expect("a read after the lease", send(http.MethodGet), nil)
	held.renew(clock.Now())
	expect("a write under the renewed lease", send(http.MethodPatch), nil)
	held.end()
	expect("a write after the loss was seen", send(http.MethodPatch), errNoTenure)
	if got.Load() != 3 {
		t.Errorf("%d requests came through, want 3", got.Load())
	}
}

func TestWorkEndsAsSoonAsSomebodyElseIsSeenToHoldTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		lock := &memoryLock{}
		var ended atomic.Int64
		done := make(chan struct{})
		began := time.Now()
		go func() {
			defer close(done)
			_ = elect(ctx, quick, lock, func(ctx context.Context, held *tenure) {
				if !held.holds() {
					t.Error("the work begins without a tenure")
				}
				<-ctx.Done()
				ended.Store(int64(time.Since(began)))
				if held.holds() {
					t.Error("the tenure outlasts the lease")
				}
			})
		}()
		<-time.After(10 * time.Second) // of the bubble
		lock.steal("another")
		stolen := time.Since(began)
		<-done
		if took := time.Duration(ended.Load()) - stolen; took > 3*quick.RetryPeriod {
			t.Errorf("the work went on for %s, want about %s", took, quick.RetryPeriod)
		}
		if h := lock.holder(); h != "another" {
			t.Errorf("the lease is held by %q", h)
		}
	})
}

// steal lets somebody else hold the lease, and refuses those who believe otherwise.
func (l *memoryLock) steal(thief string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.record = &resourcelock.LeaderElectionRecord{HolderIdentity: thief, LeaseDurationSeconds: 3600}
	l.stolen = true
}
