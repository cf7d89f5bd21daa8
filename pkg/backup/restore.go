// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package backup is what an operator does with the store: snapshot, verification, restore, defragmentation, on request or by
// a schedule. In go an etcd of ours or a file, out come a file, a store or a report. It changes no object, gives every
// restored store an identity of its own, and replaces no file and no store.
package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/dittofs/dittofs-apiserver/pkg/etcd"
	"github.com/dittofs/dittofs-apiserver/pkg/storeidentity"
)

// Layout says where in etcd the objects are: PREFIX/GROUP/RESOURCE/.
type Layout struct{ Prefix, Group string }

// Contents is what a snapshot, or the store restored from it, holds.
type Contents struct {
	// Store is the identity in it.
	Store storeidentity.Identity `json:"store"`
	// Revision is that of etcd.
	Revision int64 `json:"revision"`
	// Objects counts the objects of each resource.
	Objects map[string]int64 `json:"objects"`
}

// startLimit bounds how long a store from a snapshot may take to open.
const startLimit = 2 * time.Minute

// verifyDir begins the names of directories that snapshots are restored into to see that they can be.
const verifyDir = ".verify-"

// Verify restores a snapshot into a directory of its own beside scratch, opens it, and removes it again. It needs room for
// the database twice.
func Verify(ctx context.Context, file, scratch string, layout Layout) (contents *Contents, err error) {
	dir, err := os.MkdirTemp(scratch, verifyDir)
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", file, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := etcd.Unpack(file, dir, 0); err != nil {
		return nil, err
	}
	err = opened(ctx, dir, func(client *clientv3.Client) error {
		contents, err = look(ctx, client, layout)
		return err
	})
	return contents, err
}

// Restore makes a store of a snapshot in a data directory, with a raised revision and an identity of its own. It is there
// whole or not at all. A store that is there already is left alone, which is an error; with aside it gets that name beside
// the new one.
func Restore(ctx context.Context, file, dataDir, aside string, layout Layout) (contents *Contents, err error) {
	if err := os.MkdirAll(dataDir, 0o700); err != nil {
		return nil, fmt.Errorf("create the data directory: %w", err)
	}
	release, err := etcd.Reserve(dataDir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, release()) }()
	target := filepath.Join(dataDir, etcd.DatabaseDir)
	_, err = os.Lstat(target)
	occupied := err == nil
	if occupied && aside == "" {
		return nil, fmt.Errorf("%s holds a store, and a restore replaces none: move it away first, or give --move-aside", target)
	}
	work, err := os.MkdirTemp(dataDir, ".restore-")
	if err != nil {
		return nil, fmt.Errorf("restore into %s: %w", dataDir, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if contents, err = renewed(ctx, file, work, layout, nil); err != nil {
		return nil, err
	}
	if occupied {
		if err := os.Rename(target, filepath.Join(dataDir, aside)); err != nil {
			return nil, fmt.Errorf("move the store that is there aside: %w", err)
		}
	}
	if err := os.Rename(filepath.Join(work, etcd.DatabaseDir), target); err != nil {
		return nil, fmt.Errorf("put the store in its place: %w", err)
	}
	return contents, nil
}

// Prepare makes a snapshot from which every member of an external etcd is restored, with the tool of etcd: it has the raised
// revision and the identity of a store of its own, the same for all members.
func Prepare(ctx context.Context, file, prepared string, layout Layout) (contents *Contents, err error) {
	if _, err := os.Lstat(prepared); err == nil {
		return nil, fmt.Errorf("the file %s exists; a snapshot replaces none", prepared)
	}
	work, err := os.MkdirTemp(filepath.Dir(prepared), ".restore-")
	if err != nil {
		return nil, fmt.Errorf("restore beside %s: %w", prepared, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	return renewed(ctx, file, work, layout, func(client *clientv3.Client) error {
		_, err := etcd.SaveSnapshot(prepared, func(to io.Writer) (int64, error) { return etcd.WriteSnapshot(ctx, client, to) })
		return err
	})
}

// renewed unpacks a snapshot into work, gives it its identity, and hands it to then.
func renewed(ctx context.Context, file, work string, layout Layout, then func(*clientv3.Client) error) (contents *Contents, err error) {
	if err := etcd.Unpack(file, work, etcd.RevisionBump); err != nil {
		return nil, err
	}
	err = opened(ctx, work, func(client *clientv3.Client) error {
		if _, err := storeidentity.Renew(ctx, client, layout.Prefix, layout.Group); err != nil {
			return err
		}
		if contents, err = look(ctx, client, layout); err != nil || then == nil {
			return err
		}
		return then(client)
	})
	return contents, err
}

// opened runs f with the store of a data directory.
func opened(ctx context.Context, dataDir string, f func(*clientv3.Client) error) (err error) {
	starting, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	store, err := etcd.Start(starting, etcd.Config{DataDir: dataDir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	client, err := etcd.Connect(starting, etcd.Connection{Endpoints: []string{store.Endpoint()}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	return f(client)
}

// look counts what a store holds.
func look(ctx context.Context, client *clientv3.Client, layout Layout) (*Contents, error) {
	identity, err := storeidentity.Read(ctx, client, layout.Prefix, layout.Group)
	if err != nil {
		return nil, err
	}
	contents := &Contents{Store: identity, Objects: map[string]int64{}}
	for _, resource := range []string{"dittoservers", "dittoserverclasses"} {
		found, err := client.Get(ctx, layout.Prefix+"/"+layout.Group+"/"+resource+"/", clientv3.WithPrefix(), clientv3.WithCountOnly())
		if err != nil {
			return nil, fmt.Errorf("count the %s: %w", resource, err)
		}
		contents.Objects[resource], contents.Revision = found.Count, found.Header.Revision
	}
	return contents, nil
}
