// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/endpoints/request"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs"
	"github.com/dittofs/dittofs-apiserver/pkg/backup"
	"github.com/dittofs/dittofs-apiserver/pkg/backup/bucket"
)

// SnapshotOptions are the snapshots of the embedded etcd by schedule: nobody else reaches its socket and its volume.
type SnapshotOptions struct {
	// Dir has the snapshots, or is s3://BUCKET/PREFIX; empty: none are taken.
	Dir string
	// Service is that of the bucket.
	Service bucket.Options
	// Interval is the time between two of them.
	Interval time.Duration
	// Keep is how many are kept.
	Keep int
}

func newSnapshotOptions() SnapshotOptions { return SnapshotOptions{Interval: time.Hour, Keep: 24} }

func (o *SnapshotOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.Dir, "snapshot-dir", o.Dir,
		"Directory for snapshots of the embedded etcd by schedule, best on another volume, with room for all that are kept and the database twice more; or s3://BUCKET/PREFIX, for which --data-dir needs room for the database three times more. Empty: none are taken.")
	flags.DurationVar(&o.Interval, "snapshot-interval", o.Interval,
		"Time between two snapshots, at least 1m. Each is verified by restoring it. A restart does not begin it anew.")
	flags.IntVar(&o.Keep, "snapshot-keep", o.Keep, "How many snapshots are kept, at least 1; the oldest goes when a newer one is verified.")
	o.Service.AddFlags(flags)
}

func (o *SnapshotOptions) validate(embedded bool) (errs []error) {
	if o.Dir != "" && !embedded {
		errs = append(errs, errors.New("--snapshot-dir is for the embedded etcd: of that at --etcd-servers, take snapshots with dittofs-apiserver etcd snapshot --etcd-servers"))
	}
	if _, err := backup.OpenShelf(o.Dir, "", o.Service); err != nil {
		errs = append(errs, fmt.Errorf("--snapshot-dir: %w", err))
	}
	if o.Interval < time.Minute {
		errs = append(errs, fmt.Errorf("--snapshot-interval=%s: must be at least 1m", o.Interval))
	}
	if o.Keep < 1 {
		errs = append(errs, fmt.Errorf("--snapshot-keep=%d: must be at least 1", o.Keep))
	}
	return errs
}

func storeLayout(prefix string) backup.Layout {
	return backup.Layout{Prefix: prefix, Group: dittofs.GroupName}
}

// storeCommand is dittofs-apiserver etcd.
func storeCommand(options *Options) *cobra.Command {
	return backup.NewCommand(backup.Settings{DataDir: options.Store.DataDir, Layout: storeLayout(options.Etcd.StorageConfig.Prefix)})
}

// takeSnapshots does so by schedule until ctx is done, also while the store is only observed: it may be the one that is wanted.
func (s *Server) takeSnapshots(ctx context.Context) error {
	// Beside the store, whose directory is ours alone: what a process that was killed has left there is removed.
	scratch := filepath.Join(s.options.Store.DataDir, "snapshot-on-its-way")
	if err := os.RemoveAll(scratch); err != nil {
		return fmt.Errorf("remove what is left of a snapshot: %w", err)
	}
	shelf, err := backup.OpenShelf(s.options.Snapshots.Dir, scratch, s.options.Snapshots.Service)
	if err != nil {
		return fmt.Errorf("--snapshot-dir: %w", err)
	}
	schedule := backup.Schedule{
		From: backup.FromEtcd(s.etcdClient), Layout: storeLayout(s.options.Etcd.StorageConfig.Prefix),
		On: shelf, Interval: s.options.Snapshots.Interval, Keep: s.options.Snapshots.Keep,
	}
	schedule.Run(ctx)
	return nil
}

// longRunning adds the snapshot to the requests that may take longer than others.
func longRunning(others request.LongRunningRequestCheck) request.LongRunningRequestCheck {
	return func(r *http.Request, info *request.RequestInfo) bool {
		return !info.IsResourceRequest && info.Path == backup.Path || others(r, info)
	}
}
