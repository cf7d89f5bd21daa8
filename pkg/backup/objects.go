// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/dittofs/dittofs-apiserver/pkg/backup/bucket"
	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
)

// objects is the shelf in a bucket.
type objects struct {
	bucket  *bucket.Bucket
	at      bucket.Location
	scratch string
}

func (o *objects) String() string { return o.at.String() }

func (o *objects) List(ctx context.Context) ([]Entry, error) {
	found, err := o.bucket.List(ctx, o.at)
	entries := make([]Entry, 0, len(found))
	for _, object := range found {
		entries = append(entries, Entry(object))
	}
	return entries, err
}

// put verifies the snapshot in a file and then sends it: what is in the bucket under such a name is known to restore.
func (o *objects) put(ctx context.Context, name string, from Source, layout Layout) (snapshot *taken, err error) {
	at := o.at.Below(name)
	// Before all the work: a bucket that cannot be reached is an error now. S3 has no other way to replace nothing that all
	// services know; two who write one name in one second are both sent by the same schedule.
	exists, err := o.bucket.Exists(ctx, at)
	if err != nil {
		return nil, err
	}
	if exists {
		return nil, fmt.Errorf("%s exists; a snapshot replaces none", at)
	}
	err = inScratch(o.scratch, func(dir string) error {
		taken, err := directory(dir).put(ctx, filepath.Base(name), from, layout)
		if err != nil {
			return err
		}
		if err := o.bucket.Put(ctx, at, taken.place); err != nil {
			return err
		}
		taken.place = at.String()
		snapshot = taken
		return nil
	})
	return snapshot, err
}

func (o *objects) remove(ctx context.Context, name string) error {
	return o.bucket.Remove(ctx, o.at.Below(name))
}

// inScratch runs f with a directory that is removed afterwards.
func inScratch(scratch string, f func(dir string) error) (err error) {
	if scratch != "" {
		if err := os.MkdirAll(scratch, 0o700); err != nil {
			return fmt.Errorf("the directory for a snapshot on its way: %w", err)
		}
	}
	dir, err := os.MkdirTemp(scratch, "dittofs-snapshot-")
	if err != nil {
		return fmt.Errorf("the directory for a snapshot on its way (TMPDIR names another): %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return f(dir)
}

// local runs f with the file of a snapshot, which is fetched if it is in a bucket.
func local(ctx context.Context, where string, service bucket.Options, f func(file string) error) error {
	if !bucket.Names(where) {
		return f(where)
	}
	at, err := bucket.Parse(where)
	if err != nil {
		return err
	}
	opened, err := service.Open(at.Bucket)
	if err != nil {
		return err
	}
	return inScratch("", func(dir string) error {
		file := filepath.Join(dir, path.Base("/"+at.Key))
		if _, err := etcd.SaveSnapshot(file, func(to io.Writer) (int64, error) { return opened.Get(ctx, at, to) }); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		if err := f(file); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		return nil
	})
}
