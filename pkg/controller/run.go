// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dittofs/dittofs-apiserver/pkg/controller/orphans"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/servermetrics"
)

// Pauses after a term that could not be started or broke down.
const (
	firstPause = time.Second
	maxPause   = time.Minute
	// settled is the length of a term after which the next failure counts as the first.
	settled = 5 * time.Minute
)

// RegisterMetrics makes the metrics about DittoServers visible; registering again does nothing. They have series
// while this process runs the controllers.
func RegisterMetrics() {
	servermetrics.Register()
	orphans.RegisterMetrics()
}

// Run runs the controllers until the context ends, term after term. It returns an error only for a Config that is wrong.
func Run(ctx context.Context, cfg Config) error {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return err
	}
	logger := klog.FromContext(ctx).WithName("controllers")
	// controller-runtime keeps one logger for the process; whoever came first wins.
	ctrllog.SetLogger(logger)
	ctx = klog.NewContext(ctx, logger)
	if !cfg.anyEnabled() {
		logger.Info("Every controller is switched off")
		<-ctx.Done()
		return nil
	}
	work := func(ctx context.Context, held *tenure) {
		repeat(ctx, "term", func(ctx context.Context) error { return runTerm(ctx, cfg, held) })
	}
	if !cfg.LeaderElection.Enabled {
		work(ctx, nil)
		return nil
	}
	repeat(ctx, "lease", func(ctx context.Context) error { return holdLease(ctx, cfg, work) })
	return nil
}

// repeat calls f until the context ends, with growing pauses while f fails. A panic counts as a failure: the process
// serves an API, which a fault in a controller must not end.
func repeat(ctx context.Context, what string, f func(context.Context) error) {
	logger := klog.FromContext(ctx)
	backoff := newBackoff()
	for ctx.Err() == nil {
		began := time.Now()
		err := guarded(ctx, f)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > settled {
			backoff = newBackoff()
		}
		pause := backoff.Step()
		if err != nil {
			logger.Error(err, "Controllers stopped and will be started again", "after", what, "pause", pause)
		} else {
			logger.Info("Controllers stopped and will be started again", "after", what, "pause", pause)
		}
		timer := clock.RealClock{}.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
		case <-timer.C():
		}
	}
}

func newBackoff() *wait.Backoff {
	return &wait.Backoff{Duration: firstPause, Factor: 2, Jitter: 0.2, Steps: 1 << 30, Cap: maxPause}
}

func guarded(ctx context.Context, f func(context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return f(ctx)
}
