// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
)

// size is what the servers cost by which their number grew, and what our process holds then.
type size struct {
	from, to       int
	objects        time.Duration
	spent          look
	rest           quiet
	resident, heap float64
}

// fastControllers is a rate of kube-controller-manager that keeps up: what it does is not measured here.
const fastControllers = 500

// sizes creates servers of no replicas in steps, in a cluster of their own. Each step pays for its own servers only, so
// that a cost that grows with their number shows.
func (b *bench) sizes(ctx context.Context) (err error) {
	h, err := b.startHost(ctx, "sizes", fastControllers)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Stop()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	i, err := b.install(ctx, h, false, serverStopped)
	if err != nil {
		return err
	}
	totals := []int{b.options.servers, b.options.medium, b.options.large}
	if b.options.skip5000 {
		totals = totals[:2]
	}
	from := 0
	for _, to := range totals {
		if to <= from {
			continue
		}
		what := fmt.Sprintf("servers %d to %d", from+1, to)
		err := b.profiled(ctx, i, fmt.Sprintf("size-%d", to), func() error {
			return b.step(ctx, what, func(ctx context.Context) error { return b.grow(ctx, i, from, to) })
		})
		if err != nil {
			return err
		}
		from = to
	}
	return nil
}

func (b *bench) grow(ctx context.Context, i *install, from, to int) error {
	before, err := i.look(ctx)
	if err != nil {
		return err
	}
	s := size{from: from, to: to}
	started := time.Now()
	err = b.createServers(ctx, i, from, to, func(server *dittofsv1alpha1.DittoServer) { server.Spec.Replicas = ptr.To[int32](0) })
	if err != nil {
		return err
	}
	_, all, err := i.follow.awaitObjects(ctx, to)
	if err != nil {
		return err
	}
	s.objects = all.Sub(started)
	b.progress("objects of %d servers are there", to)
	if _, err := i.follow.servers.await(ctx, to); err != nil {
		return err
	}
	after, err := i.awaitCalm(ctx)
	if err != nil {
		return err
	}
	s.spent, s.resident = after.minus(before), after.resident
	if s.rest, err = i.watchQuiet(ctx, 20*time.Second); err != nil {
		return err
	}
	s.heap, err = measure.LiveHeap(ctx, i.server.DirectConfig())
	b.growing = append(b.growing, s)
	return err
}

// awaitCalm returns when no reconcile and no write has come for five seconds.
func (i *install) awaitCalm(ctx context.Context) (look, error) {
	last, err := i.look(ctx)
	for err == nil {
		if err = pass(ctx, 5*time.Second); err != nil {
			break
		}
		var now look
		if now, err = i.look(ctx); err != nil {
			break
		}
		writes := sum(since(last.requests, now.requests), func(r request) bool { return r.isWrite() && !isLease(r) })
		if now.servers == last.servers && now.statusWrites == last.statusWrites && writes == 0 {
			return now, nil
		}
		last = now
	}
	return last, err
}
