// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package etcd runs the embedded etcd: a data directory goes in, a client
// endpoint on a unix socket comes out. It never listens on the network and never
// opens a directory that another process uses. It connects to any etcd of ours,
// and makes snapshots of it and stores of snapshots.
package etcd

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"go.etcd.io/etcd/server/v3/embed"
)

// Config says where the store is and how large it may grow.
type Config struct {
	// DataDir holds everything: the database, the lock and, if its path is short
	// enough, the sockets. It is created with mode 0700.
	DataDir string
	// QuotaBytes is the size at which etcd refuses writes. 0 is etcd's own 2 GiB.
	QuotaBytes int64
}

// Embedded is a running etcd of one member.
type Embedded struct {
	server  *embed.Etcd
	lock    *directoryLock
	sockets *socketDir

	closing sync.Once
	closed  error
}

const (
	memberName = "dittofs-apiserver"
	// DatabaseDir is the directory of etcd itself in the data directory.
	DatabaseDir = "etcd"
)

// Start opens the store and returns when it serves. It fails at once when
// another process has the directory open.
func Start(ctx context.Context, config Config) (_ *Embedded, err error) {
	dir, err := filepath.Abs(config.DataDir)
	if err != nil {
		return nil, fmt.Errorf("data directory %s: %w", config.DataDir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the data directory: %w", err)
	}
	e := &Embedded{}
	defer func() {
		if err != nil {
			_ = e.Close() // what failed first is the error to return
		}
	}()
	// etcd itself would wait for ever, and silently, on a database in use.
	if e.lock, err = lockDirectory(dir); err != nil {
		return nil, err
	}
	if e.sockets, err = newSocketDir(dir); err != nil {
		return nil, err
	}
	if e.server, err = embed.StartEtcd(e.serverConfig(dir, config)); err != nil {
		return nil, fmt.Errorf("start the embedded etcd in %s: %w", dir, err)
	}
	select {
	case <-e.server.Server.ReadyNotify():
		return e, e.lock.announce(e.Endpoint())
	case err := <-e.server.Err():
		return nil, fmt.Errorf("the embedded etcd in %s stopped: %w", dir, err)
	case <-ctx.Done():
		return nil, fmt.Errorf("the embedded etcd in %s is not ready: %w", dir, context.Cause(ctx))
	}
}

func (e *Embedded) serverConfig(dir string, config Config) *embed.Config {
	client, peer := e.sockets.url("client"), e.sockets.url("peer")
	cfg := embed.NewConfig()
	cfg.Name = memberName
	cfg.Dir = filepath.Join(dir, DatabaseDir)
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	// One member has no peers, and no listener for them: etcd would take the host part of this address, which is empty, and
	// listen on an abstract socket. That has no permissions, and on a read-only root directory it is never closed.
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = nil, []url.URL{peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(memberName)
	cfg.QuotaBackendBytes = config.QuotaBytes
	// The API server compacts every 5 minutes; this is the second line, for the
	// time in which it cannot (https://github.com/etcd-io/etcd/issues/14595).
	cfg.AutoCompactionMode, cfg.AutoCompactionRetention = embed.CompactorModePeriodic, "1h"
	cfg.LogLevel, cfg.LogOutputs = "warn", []string{"stderr"}
	return cfg
}

// Endpoint is the address for clients, a URL of the form unix:///path.
func (e *Embedded) Endpoint() string {
	endpoint := e.sockets.url("client")
	return endpoint.String()
}

// Stopped yields an error if etcd ends on its own, and is closed by Close.
func (e *Embedded) Stopped() <-chan error { return e.server.Err() }

// Close stops etcd, waits until its files are closed and gives the directory
// back. Closing again does nothing.
func (e *Embedded) Close() error {
	e.closing.Do(func() {
		var errs []error
		if e.server != nil {
			e.server.Close()
		}
		if e.sockets != nil {
			errs = append(errs, e.sockets.remove())
		}
		if e.lock != nil {
			errs = append(errs, e.lock.release())
		}
		e.closed = errors.Join(errs...)
	})
	return e.closed
}
