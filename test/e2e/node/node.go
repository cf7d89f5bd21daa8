// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

const (
	startTimeout = 3 * time.Minute
	stopTimeout  = 20 * time.Second
)

// Options say where the node lives and which cluster it joins.
type Options struct {
	Place Place
	// Dir holds what the node writes but logs; LogDir has a file for each process, and pods/.
	Dir, LogDir string
	// BinDir has what `make node` builds, CNIBinDir the plugins of the distribution.
	BinDir, CNIBinDir string
	// CgroupRoot is the cgroup in which pods are.
	CgroupRoot string
	// Files are what the node logs in with.
	Files controlplane.NodeFiles
	// DNSKubeconfig may list Services and EndpointSlices. Only the first node, which serves names for all, needs it.
	DNSKubeconfig string
	// Client is a cluster admin's.
	Client client.Client
	// PauseArchive is an archive with PauseImage.
	PauseArchive string
	// Report is told about each part that became ready.
	Report func(component, detail string)
}

// Node is a node that runs.
type Node struct {
	options Options
	// daemons are in the order in which they were started.
	daemons []*daemon
}

// Start returns when pods can be scheduled to the node. On an error, what was started is left to the end of the namespaces.
func Start(ctx context.Context, options Options) (*Node, error) {
	n := &Node{options: options}
	for _, dir := range []string{options.Dir, options.LogDir} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("prepare the node's directory: %w", err)
		}
	}
	type part struct {
		name  string
		start func(context.Context) error
	}
	parts := []part{
		{"containerd", n.startContainerd},
		{"pause", func(ctx context.Context) error { return n.ImportImage(ctx, options.PauseArchive) }},
		// kube-proxy is not healthy before its node exists.
		{"kubelet", n.startKubelet},
		{"kube-proxy", n.startProxy},
	}
	if options.Place == First {
		parts = append(parts, part{"coredns", n.startDNS})
	}
	for _, part := range parts {
		if err := part.start(ctx); err != nil {
			return n, err
		}
		options.Report(part.name, options.Place.Name())
	}
	return n, nil
}

// Stop ends the daemons, the last first. Pods run on, as they do when a kubelet is restarted.
func (n *Node) Stop() error {
	var errs []error
	for i := len(n.daemons) - 1; i >= 0; i-- {
		errs = append(errs, n.daemons[i].stop(stopTimeout))
	}
	return errors.Join(errs...)
}

func (n *Node) binary(name string) string { return filepath.Join(n.options.BinDir, name) }

func (n *Node) write(name, content string) error {
	path := filepath.Join(n.options.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o600)
}
