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
	"time"

	"github.com/dittofs/dittofs-apiserver/pkg/backup/bucket"
	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
)

// Shelf is where snapshots are kept: a directory, or what is below a prefix in a bucket.
type Shelf interface {
	fmt.Stringer
	// List returns what is there, under whatever name.
	List(ctx context.Context) ([]Entry, error)
	// put keeps what from writes, once it is known to restore: whole or not at all, and in place of nothing.
	put(ctx context.Context, name string, from Source, layout Layout) (*taken, error)
	remove(ctx context.Context, name string) error
}

// Entry is something on a shelf.
type Entry struct {
	Name string
	Size int64
}

// taken is a snapshot that is verified.
type taken struct {
	place    string
	size     int64
	contents *Contents
}

// OpenShelf returns the shelf at a directory or s3://BUCKET/PREFIX. scratch is a directory in which one for a bucket is verified
// before it is sent, with room for the database three times; empty means that for temporary files.
func OpenShelf(where, scratch string, service bucket.Options) (Shelf, error) {
	if !bucket.Names(where) {
		return directory(where), nil
	}
	at, err := bucket.Parse(where)
	if err != nil {
		return nil, err
	}
	opened, err := service.Open(at.Bucket)
	if err != nil {
		return nil, err
	}
	return &objects{opened, at, scratch}, nil
}

type directory string

func (d directory) String() string { return string(d) }

func (d directory) List(context.Context) ([]Entry, error) {
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return nil, err
	}
	var found []Entry
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() { // or it is gone since
			found = append(found, Entry{entry.Name(), info.Size()})
		}
	}
	return found, nil
}

func (d directory) put(ctx context.Context, name string, from Source, layout Layout) (*taken, error) {
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return nil, fmt.Errorf("the directory for snapshots: %w", err)
	}
	if err := d.sweep(time.Now()); err != nil {
		return nil, err
	}
	file := filepath.Join(string(d), name)
	size, err := etcd.SaveSnapshot(file, func(to io.Writer) (int64, error) { return from(ctx, to) })
	if err != nil {
		return nil, err
	}
	contents, err := Verify(ctx, file, string(d), layout)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the snapshot does not restore, and is removed: %w", err), os.Remove(file))
	}
	return &taken{file, size, contents}, nil
}

// leftBehind is the age from which half a snapshot, or a store that one was restored into, is of a process that was killed.
const leftBehind = 24 * time.Hour

// sweep removes what processes have left that were killed while they took a snapshot here.
func (d directory) sweep(now time.Time) error {
	var errs []error
	for _, pattern := range []string{verifyDir + "*", "." + filePrefix + "*" + fileSuffix + ".*.part"} {
		found, err := filepath.Glob(filepath.Join(string(d), pattern))
		errs = append(errs, err)
		for _, path := range found {
			if info, err := os.Lstat(path); err == nil && now.Sub(info.ModTime()) > leftBehind {
				errs = append(errs, os.RemoveAll(path))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove what an earlier snapshot has left: %w", err)
	}
	return nil
}

func (d directory) remove(_ context.Context, name string) error {
	return os.Remove(filepath.Join(string(d), name))
}
