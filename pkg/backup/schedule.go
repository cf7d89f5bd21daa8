// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/klog/v2"
)

const (
	// Names sort by time: dittofs-20260102T150405Z.db.
	filePrefix, fileSuffix = "dittofs-", ".db"
	timeFormat             = "20060102T150405Z"
	// retry is the wait after a snapshot that failed, unless the interval is shorter.
	retry = 5 * time.Minute
)

// Schedule takes a snapshot every Interval, verifies it by restoring it, and keeps the newest ones.
type Schedule struct {
	// From writes a snapshot and returns its size in bytes.
	From   Source
	Layout Layout
	// On is where the snapshots are kept.
	On Shelf
	// Interval is the time between two snapshots. A restart does not begin it anew.
	Interval time.Duration
	// Keep is how many are kept, at least 1. What has another name is left alone.
	Keep int
}

var (
	snapshotTime = metrics.NewGauge(&metrics.GaugeOpts{
		Namespace: "dittofs", Subsystem: "snapshot", Name: "last_success_timestamp_seconds", StabilityLevel: metrics.ALPHA,
		Help: "Unix time of the newest snapshot of the store that was verified by restoring it; 0 while there is none, or no schedule.",
	})
	snapshotSize = metrics.NewGauge(&metrics.GaugeOpts{
		Namespace: "dittofs", Subsystem: "snapshot", Name: "size_bytes", StabilityLevel: metrics.ALPHA,
		Help: "Size of that snapshot.",
	})
	snapshotFailures = metrics.NewCounter(&metrics.CounterOpts{
		Namespace: "dittofs", Subsystem: "snapshot", Name: "failures_total", StabilityLevel: metrics.ALPHA,
		Help: "Snapshots by schedule that could not be taken or verified.",
	})
)

// RegisterMetrics makes the metrics of the schedule visible; registering again does nothing.
var RegisterMetrics = sync.OnceFunc(func() { legacyregistry.MustRegister(snapshotTime, snapshotSize, snapshotFailures) })

// Run takes snapshots until ctx is done.
func (s *Schedule) Run(ctx context.Context) {
	delay := s.untilDue(ctx, time.Now())
	for {
		timer := time.NewTimer(delay)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		delay = s.Interval
		now := time.Now()
		snapshot, err := s.take(ctx, now)
		if snapshot != nil {
			snapshotTime.Set(float64(now.Unix()))
			snapshotSize.Set(float64(snapshot.size))
			klog.V(1).InfoS("Took and verified a snapshot of the store", "place", snapshot.place, "bytes", snapshot.size,
				"revision", snapshot.contents.Revision, "objects", snapshot.contents.Objects)
		}
		if err != nil && ctx.Err() == nil {
			snapshotFailures.Inc()
			delay = min(wait.Jitter(retry, 0.1), s.Interval)
			klog.ErrorS(err, "Taking a snapshot of the store by schedule", "shelf", s.On.String(), "nextTry", delay)
		}
	}
}

// untilDue is the wait until the next snapshot: by the newest one that is there, which a process before this one may have made.
func (s *Schedule) untilDue(ctx context.Context, now time.Time) time.Duration {
	kept, err := s.kept(ctx)
	if err != nil || len(kept) == 0 {
		return 0
	}
	newest := kept[len(kept)-1]
	snapshotTime.Set(float64(newest.taken.Unix()))
	snapshotSize.Set(float64(newest.Size))
	return max(0, s.Interval-now.Sub(newest.taken))
}

// take makes one snapshot. Older ones go only when a newer one is known to restore.
func (s *Schedule) take(ctx context.Context, now time.Time) (*taken, error) {
	name := filePrefix + now.UTC().Format(timeFormat) + fileSuffix
	snapshot, err := s.On.put(ctx, name, s.From, s.Layout)
	if err != nil {
		return nil, err
	}
	return snapshot, s.prune(ctx, name)
}

// prune removes the oldest, but never the one just taken: the clock may have gone back.
func (s *Schedule) prune(ctx context.Context, fresh string) error {
	kept, err := s.kept(ctx)
	if err != nil {
		return err
	}
	kept = slices.DeleteFunc(kept, func(e dated) bool { return e.Name == fresh })
	var errs []error
	for len(kept) >= max(s.Keep, 1) {
		errs = append(errs, s.On.remove(ctx, kept[0].Name))
		kept = kept[1:]
	}
	return errors.Join(errs...)
}

type dated struct {
	Entry
	taken time.Time
}

// kept are the snapshots by schedule, oldest first.
func (s *Schedule) kept(ctx context.Context) ([]dated, error) {
	entries, err := s.On.List(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the snapshots: %w", err)
	}
	var kept []dated
	for _, entry := range entries {
		taken, err := time.Parse(filePrefix+timeFormat+fileSuffix, entry.Name)
		if err == nil {
			kept = append(kept, dated{entry, taken})
		}
	}
	slices.SortFunc(kept, func(a, b dated) int { return a.taken.Compare(b.taken) })
	return kept, nil
}
