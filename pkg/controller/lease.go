// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationv1client "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// jitterFactor is that of client-go's leader election.
const jitterFactor = leaderelection.JitterFactor

// holdLease waits for the lease, does the work while it holds it, and comes back when it has lost it or the context has
// ended. Either way the work is over by then: work must end soon after its context.
func holdLease(ctx context.Context, cfg Config, work func(context.Context, *tenure)) error {
	lock, err := newLock(cfg)
	if err != nil {
		return err
	}
	return elect(ctx, cfg.LeaderElection, lock, work)
}

func newLock(cfg Config) (resourcelock.Interface, error) {
	config := rest.CopyConfig(cfg.Host)
	// A try that hangs must end before the lease does.
	config.Timeout = cfg.LeaderElection.RenewDeadline / 2
	client, err := coordinationv1client.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("client for the lease: %w", err)
	}
	return &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Namespace: cfg.Namespace, Name: LeaseName},
		Client:     client,
		LockConfig: resourcelock.ResourceLockConfig{Identity: cfg.Identity},
	}, nil
}

// shift guards the one stretch of work that an election can lead to. The elector starts it in a goroutine of its own,
// which may come late.
type shift struct {
	mu     sync.Mutex
	closed bool
	done   chan struct{} // not nil once the work has begun, closed when it is over
}

func (s *shift) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.done = make(chan struct{})
	return true
}

// end keeps late work from beginning, and waits for work that has begun.
func (s *shift) end() {
	s.mu.Lock()
	s.closed = true
	done := s.done
	s.mu.Unlock()
	if done != nil {
		<-done
	}
}

// elect runs one election. It does not use the elector's ReleaseOnCancel, which gives the lease back while the work may
// still be going on: here the work ends first.
func elect(ctx context.Context, cfg LeaderElectionConfig, lock resourcelock.Interface, work func(context.Context, *tenure)) error {
	// The election outlives the caller's context by the time that the work needs to end.
	electing, stopElecting := context.WithCancel(context.WithoutCancel(ctx))
	defer stopElecting()
	var s shift
	// The elector would go on trying for RenewDeadline although somebody else holds the lease.
	held := &tenure{clock: clock.RealClock{}, length: cfg.LeaseDuration, lost: stopElecting}
	lock = watchedLock{lock, held}
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock:          lock,
		LeaseDuration: cfg.LeaseDuration,
		RenewDeadline: cfg.RenewDeadline,
		RetryPeriod:   cfg.RetryPeriod,
		Name:          LeaseName,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(leading context.Context) {
				if !s.begin() {
					return
				}
				defer stopElecting()
				defer close(s.done)
				working, stopWork := context.WithCancel(leading)
				defer stopWork()
				defer context.AfterFunc(ctx, stopWork)()
				work(working, held)
			},
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return fmt.Errorf("leader election: %w", err)
	}
	stopWatching := context.AfterFunc(ctx, func() {
		// Work that has begun ends the election itself, when it is over.
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.done == nil {
			s.closed = true
			stopElecting()
		}
	})
	defer stopWatching()
	elector.Run(electing)
	s.end()
	release(context.WithoutCancel(ctx), cfg, lock)
	return nil
}

// release gives the lease back if it is still ours, so that another replica need not wait for it to run out.
func release(ctx context.Context, cfg LeaderElectionConfig, lock resourcelock.Interface) {
	ctx, cancel := context.WithTimeout(ctx, cfg.RenewDeadline)
	defer cancel()
	record, _, err := lock.Get(ctx)
	if err != nil || record.HolderIdentity != lock.Identity() {
		return
	}
	now := metav1.Now()
	err = lock.Update(ctx, resourcelock.LeaderElectionRecord{
		LeaderTransitions:    record.LeaderTransitions,
		LeaseDurationSeconds: 1,
		AcquireTime:          now,
		RenewTime:            now,
	})
	if err != nil {
		klog.FromContext(ctx).Info("The lease could not be given back and will run out", "lease", lock.Describe(), "reason", err.Error())
	}
}
