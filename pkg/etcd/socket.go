// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// maxSocketPath is the room for a path in sockaddr_un: 104 bytes on the
// smallest platform (BSD, macOS), with the closing zero.
const maxSocketPath = 103

// socketDir holds the unix sockets: in the data directory, or, if that path is
// too long for a socket, in a directory of its own that only we may enter.
type socketDir struct{ path string }

func newSocketDir(dataDir string) (*socketDir, error) {
	path := filepath.Join(dataDir, "sockets")
	if len(filepath.Join(path, "client")) > maxSocketPath {
		path, err := os.MkdirTemp("", "dittofs-etcd-")
		if err != nil {
			return nil, fmt.Errorf("create a directory for sockets: %w", err)
		}
		return &socketDir{path}, nil
	}
	// Sockets of a process that was killed would be in the way.
	if err := os.RemoveAll(path); err != nil {
		return nil, fmt.Errorf("remove old sockets: %w", err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return nil, fmt.Errorf("create the directory for sockets: %w", err)
	}
	return &socketDir{path}, nil
}

func (d *socketDir) url(name string) url.URL {
	return url.URL{Scheme: "unix", Path: filepath.Join(d.path, name)}
}

func (d *socketDir) remove() error { return os.RemoveAll(d.path) }
