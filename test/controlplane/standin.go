// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"
)

// StandIn answers the dfs API for every server of the cluster: under kwok no dfs process runs.
type StandIn struct {
	// URLTemplate is what our server's --dfs-url-template takes.
	URLTemplate string
	// URL is where tests control it.
	URL string
	// LogPath is its output.
	LogPath string

	plane   *ControlPlane
	args    []string
	address string
	process *child
}

// StartStandIn starts <BinDir>/standin-dfs, with further arguments. It is stopped with the plane, if not before.
func (p *ControlPlane) StartStandIn(ctx context.Context, args ...string) (*StandIn, error) {
	if _, err := os.Stat(p.options.binary("standin-dfs")); err != nil {
		return nil, fmt.Errorf("standin-dfs not found in %s: run `make standin` first", p.options.BinDir)
	}
	// It reads whatever the servers' pods would have mounted, so it may read everything.
	_, kubeconfig, err := p.addUserFile("standin-dfs", "system:standin-dfs", "system:masters")
	if err != nil {
		return nil, err
	}
	lease, err := leasePort()
	if err != nil {
		return nil, err
	}
	lease.release()
	address := fmt.Sprintf("127.0.0.1:%d", lease.port)
	s := &StandIn{
		URLTemplate: "{scheme}://" + address + "/{namespace}/{name}:{port}",
		URL:         "http://" + address,
		LogPath:     p.keeper.logPath("standin-dfs"),
		plane:       p, address: address,
		args: append([]string{"--kubeconfig=" + kubeconfig, "--listen=" + address}, args...),
	}
	p.installed = append(p.installed, s)
	if err := s.Start(ctx); err != nil {
		return nil, err
	}
	p.options.Report("standin-dfs", address)
	return s, nil
}

// Start starts it again after Stop, at the same address.
func (s *StandIn) Start(ctx context.Context) (err error) {
	if s.process.running() {
		return nil
	}
	s.process, err = s.plane.keeper.start("standin-dfs", s.plane.options.binary("standin-dfs"), s.args, nil)
	if err != nil {
		return err
	}
	runCtx, cancel := contextOf(ctx, s.process)
	defer cancel()
	err = waitFor(runCtx, func(ctx context.Context) error {
		connection, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", s.address)
		if err != nil {
			return fmt.Errorf("standin-dfs does not listen: %w", err)
		}
		return connection.Close()
	})
	return s.process.explain(err)
}

// Stop ends it: from then on every dfs API is unreachable.
func (s *StandIn) Stop() error { return s.process.stop(stopTimeout) }
