// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// memoryLock is a Lease in memory that can be out of reach.
type memoryLock struct {
	mu     sync.Mutex
	record *resourcelock.LeaderElectionRecord
	down   bool
	stolen bool
}

func (l *memoryLock) Get(context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return nil, nil, errors.New("the host cluster is down")
	}
	if l.record == nil {
		return nil, nil, apierrors.NewNotFound(schema.GroupResource{Resource: "leases"}, LeaseName)
	}
	r := *l.record
	raw, err := json.Marshal(r)
	return &r, raw, err
}

func (l *memoryLock) Create(ctx context.Context, r resourcelock.LeaderElectionRecord) error {
	return l.Update(ctx, r)
}

func (l *memoryLock) Update(_ context.Context, r resourcelock.LeaderElectionRecord) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return errors.New("the host cluster is down")
	}
	if l.stolen {
		return errors.New("the object has been modified")
	}
	l.record = &r
	return nil
}

func (l *memoryLock) setDown(down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = down
}

func (l *memoryLock) holder() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.record == nil {
		return ""
	}
	return l.record.HolderIdentity
}

func (l *memoryLock) RecordEvent(string) {}
func (l *memoryLock) Identity() string   { return "me" }
func (l *memoryLock) Describe() string   { return "memory" }

var quick = LeaderElectionConfig{Enabled: true, LeaseDuration: time.Second, RenewDeadline: 300 * time.Millisecond, RetryPeriod: 30 * time.Millisecond}

func await(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(30 * time.Second):
		t.Fatalf("waited in vain for %s", what)
	}
}

func TestALostLeaseWaitsForWorkInFlightAndThenANewTermBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		lock := &memoryLock{}
		finish := make(chan struct{})
		var terms, atWork, cancelled atomic.Int32
		work := func(ctx context.Context, _ *tenure) {
			term := terms.Add(1)
			atWork.Add(1)
			<-ctx.Done()
			cancelled.Add(1)
			if term == 1 {
				<-finish // a request that takes its time
			}
			atWork.Add(-1)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			repeat(ctx, "lease", func(ctx context.Context) error { return elect(ctx, quick, lock, work) })
		}()
		// Time in here passes only when everybody waits.
		time.Sleep(time.Minute)
		if terms.Load() != 1 || cancelled.Load() != 0 {
			t.Fatalf("%d terms, %d of them cancelled", terms.Load(), cancelled.Load())
		}
		lock.setDown(true)
		time.Sleep(quick.LeaseDuration)
		if cancelled.Load() != 1 {
			t.Error("the work goes on after the lease has run out")
		}
		lock.setDown(false)
		time.Sleep(10 * time.Minute)
		if terms.Load() != 1 || atWork.Load() != 1 {
			t.Errorf("the second term began before the work of the first was over: %d terms", terms.Load())
		}
		close(finish)
		time.Sleep(time.Minute)
		if terms.Load() != 2 || atWork.Load() != 1 {
			t.Errorf("%d terms, %d at work", terms.Load(), atWork.Load())
		}
		cancel()
		<-ended
		if h := lock.holder(); h != "" || atWork.Load() != 0 {
			t.Errorf("the lease is still held by %q; %d at work", h, atWork.Load())
		}
	})
}

func TestTheLeaseIsGivenBackOnlyWhenTheWorkIsOver(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	lock := &memoryLock{}
	began, cancelled, finish, ended := make(chan struct{}), make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		if err := elect(ctx, quick, lock, func(ctx context.Context, _ *tenure) {
			close(began)
			<-ctx.Done()
			close(cancelled)
			<-finish
		}); err != nil {
			t.Error(err)
		}
	}()
	await(t, "the term", began)
	cancel()
	await(t, "the end of the work's context", cancelled)
	if h := lock.holder(); h != "me" {
		t.Errorf("while the work goes on the lease is held by %q", h)
	}
	close(finish)
	await(t, "the end", ended)
	if h := lock.holder(); h != "" {
		t.Errorf("afterwards the lease is held by %q", h)
	}
}

func TestWaitingForALeaseEndsWithTheContextAndLeavesTheLeaseAlone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	lock := &memoryLock{record: &resourcelock.LeaderElectionRecord{HolderIdentity: "another", LeaseDurationSeconds: 3600}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := elect(ctx, quick, lock, func(context.Context, *tenure) { t.Error("there was work without a lease") }); err != nil {
			t.Error(err)
		}
	}()
	cancel()
	await(t, "the end", ended)
	if h := lock.holder(); h != "another" {
		t.Errorf("the lease is held by %q", h)
	}
}

func TestWorkThatEndsByItselfEndsTheElection(t *testing.T) {
	lock := &memoryLock{}
	if err := elect(t.Context(), quick, lock, func(context.Context, *tenure) {}); err != nil {
		t.Fatal(err)
	}
	if h := lock.holder(); h != "" {
		t.Errorf("the lease is held by %q", h)
	}
}

func TestAPanicIsAFailureAndNotTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	repeat(ctx, "test", func(context.Context) error {
		calls++
		if calls == 2 {
			cancel()
			return nil
		}
		panic("a fault")
	})
	if calls != 2 {
		t.Errorf("%d calls", calls)
	}
}
