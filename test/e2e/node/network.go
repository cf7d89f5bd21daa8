// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// podNetwork is that of all pods, of which each node has a range.
const podNetwork = "10.244.0.0/16"

// PrepareNetwork gives the namespace an address and a way out that leads nowhere: without a default route nothing goes to
// the addresses of Services, which kube-proxy turns into those of pods. Every other place gets a namespace of its own, with a
// cable to the bridge that all are on, and routes to the pods of the others.
func PrepareNetwork(ctx context.Context) error {
	for _, command := range []string{
		"link add nodes0 type bridge",
		"addr add " + First.Address() + "/24 dev nodes0",
		"link set nodes0 up",
		"route add default dev nodes0",
	} {
		if err := run(ctx, "ip", strings.Fields(command)...); err != nil {
			return err
		}
	}
	for p := First; p <= Places; p++ {
		if err := p.connect(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p Place) connect(ctx context.Context) error {
	if p != First {
		cable := fmt.Sprintf("node%d", p)
		for _, command := range []string{
			"netns add " + p.Name(),
			"link add " + cable + " type veth peer name eth0 netns " + p.Name(),
			"link set " + cable + " master nodes0",
			"link set " + cable + " up",
			"-n " + p.Name() + " link set lo up",
			"-n " + p.Name() + " addr add " + p.Address() + "/24 dev eth0",
			"-n " + p.Name() + " link set eth0 up",
			"-n " + p.Name() + " route add default via " + First.Address(),
		} {
			if err := run(ctx, "ip", strings.Fields(command)...); err != nil {
				return err
			}
		}
	}
	for other := First; other <= Places; other++ {
		if other == p {
			continue
		}
		if err := p.run(ctx, "ip", "route", "add", other.podRange(), "via", other.Address()); err != nil {
			return err
		}
	}
	// Pods are reached by way of their node, and of one bridge by way of a Service. A kernel whose bridge filter is a module
	// that is not loaded has no such setting, and no need of it here.
	for _, setting := range []string{"net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables"} {
		path := "/proc/sys/" + setting
		if err := p.run(ctx, "sh", "-c", "[ ! -e "+path+" ] || echo 1 >"+path); err != nil {
			return err
		}
	}
	return nil
}

func (p Place) run(ctx context.Context, name string, args ...string) error {
	command := p.command(name, args...)
	return run(ctx, command.Path, command.Args[1:]...)
}

// cniConfig is a bridge for the pods of a node. kube-proxy does the rest.
const cniConfig = `{
  "cniVersion": "1.0.0",
  "name": "pods",
  "plugins": [
    {
      "type": "bridge",
      "bridge": "pods0",
      "isGateway": true,
      "ipMasq": false,
      "hairpinMode": true,
      "ipam": {
        "type": "host-local",
        "dataDir": "/run/cni/%[1]s",
        "ranges": [[{"subnet": "%[2]s"}]],
        "routes": [{"dst": "0.0.0.0/0"}]
      }
    }
  ]
}
`

func (n *Node) writeCNI() (dir string, err error) {
	dir = filepath.Join(n.options.Dir, "cni")
	return dir, n.write("cni/10-pods.conflist", fmt.Sprintf(cniConfig, n.options.Place.Name(), n.options.Place.podRange()))
}
