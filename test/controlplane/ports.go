// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"fmt"
	"net"
)

// portLease keeps a free loopback port taken until the process that it is meant for is about to start, so that
// planes of tests that run side by side do not hand each other the same one.
type portLease struct {
	listener net.Listener
	port     int
}

func leasePort() (*portLease, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("find a free port: %w", err)
	}
	return &portLease{listener: listener, port: listener.Addr().(*net.TCPAddr).Port}, nil
}

// release frees the port for the process. Releasing twice is fine.
func (l *portLease) release() { _ = l.listener.Close() }

// FreePorts are loopback ports that were free a moment ago, each another, for processes that are started by others.
func FreePorts(n int) (ports []int, err error) {
	for range n {
		lease, err := leasePort()
		if err != nil {
			return nil, err
		}
		defer lease.release() // all of them at the end, or one could be found twice
		ports = append(ports, lease.port)
	}
	return ports, nil
}
