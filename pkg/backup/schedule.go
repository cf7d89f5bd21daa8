// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/klog/v2"

	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
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
	// Dir has the snapshots, and room for the database twice more during a verification.
	Dir string
	// Interval is the time between two snapshots. A restart does not begin it anew.
	Interval time.Duration
	// Keep is how many are kept, at least 1. Files of other names are left alone.
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
	delay := s.untilDue(time.Now())
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
			klog.V(1).InfoS("Took and verified a snapshot of the store", "file", snapshot.file, "bytes", snapshot.size,
				"revision", snapshot.contents.Revision, "objects", snapshot.contents.Objects)
		}
		if err != nil && ctx.Err() == nil {
			snapshotFailures.Inc()
			delay = min(wait.Jitter(retry, 0.1), s.Interval)
			klog.ErrorS(err, "Taking a snapshot of the store by schedule", "directory", s.Dir, "nextTry", delay)
		}
	}
}

// untilDue is the wait until the next snapshot: by the newest one that is there, which a process before this one may have made.
func (s *Schedule) untilDue(now time.Time) time.Duration {
	files, err := s.files()
	if err != nil || len(files) == 0 {
		return 0
	}
	newest := files[len(files)-1]
	snapshotTime.Set(float64(newest.taken.Unix()))
	if info, err := os.Stat(newest.path); err == nil {
		snapshotSize.Set(float64(info.Size()))
	}
	return max(0, s.Interval-now.Sub(newest.taken))
}

// take makes one snapshot. Older ones go only when a newer one is known to restore.
func (s *Schedule) take(ctx context.Context, now time.Time) (*taken, error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("the directory for snapshots: %w", err)
	}
	file := filepath.Join(s.Dir, filePrefix+now.UTC().Format(timeFormat)+fileSuffix)
	size, err := etcd.SaveSnapshot(file, func(to io.Writer) (int64, error) { return s.From(ctx, to) })
	if err != nil {
		return nil, err
	}
	contents, err := Verify(ctx, file, s.Dir, s.Layout)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the snapshot does not restore, and is removed: %w", err), os.Remove(file))
	}
	return &taken{file, size, contents}, s.prune()
}

// taken is a snapshot that is verified.
type taken struct {
	file     string
	size     int64
	contents *Contents
}

func (s *Schedule) prune() error {
	files, err := s.files()
	if err != nil {
		return err
	}
	var errs []error
	for len(files) > max(s.Keep, 1) {
		errs = append(errs, os.Remove(files[0].path))
		files = files[1:]
	}
	return errors.Join(errs...)
}

type file struct {
	path  string
	taken time.Time
}

// files are the snapshots by schedule, oldest first.
func (s *Schedule) files() ([]file, error) {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("list the snapshots: %w", err)
	}
	var files []file
	for _, entry := range entries {
		taken, err := time.Parse(filePrefix+timeFormat+fileSuffix, entry.Name())
		if err == nil && entry.Type().IsRegular() {
			files = append(files, file{filepath.Join(s.Dir, entry.Name()), taken})
		}
	}
	slices.SortFunc(files, func(a, b file) int { return a.taken.Compare(b.taken) })
	return files, nil
}
