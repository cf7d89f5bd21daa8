// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	// Address is the node's. Nothing outside of the network namespace knows it.
	Address = "192.168.77.10"
	// podNetwork is that of all pods; there is one node.
	podNetwork = "10.244.0.0/16"
	podRange   = "10.244.0.0/24"
)

// PrepareNetwork gives the namespace an address and a way out that leads nowhere: without a default route nothing goes to
// the addresses of Services, which kube-proxy turns into those of pods.
func PrepareNetwork(ctx context.Context) error {
	for _, command := range []string{
		// A pair, since not every kernel has dummy interfaces.
		"link add node0 type veth peer name node1",
		"addr add " + Address + "/24 dev node0",
		"link set node0 up",
		"link set node1 up",
		"route add default dev node0",
	} {
		if err := run(ctx, "ip", strings.Fields(command)...); err != nil {
			return err
		}
	}
	for name, value := range map[string]string{
		"net/ipv4/ip_forward": "1",
		// Pods of one bridge that meet by way of a Service.
		"net/bridge/bridge-nf-call-iptables": "1",
	} {
		// A kernel whose bridge filter is a module that is not loaded has no such setting, and no need of it here.
		if err := os.WriteFile("/proc/sys/"+name, []byte(value), 0o644); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}

// cniConfig is a bridge for all pods. kube-proxy does the rest.
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
        "dataDir": "/run/cni",
        "ranges": [[{"subnet": "` + podRange + `"}]],
        "routes": [{"dst": "0.0.0.0/0"}]
      }
    }
  ]
}
`

func (n *Node) writeCNI() (dir string, err error) {
	dir = filepath.Join(n.options.Dir, "cni")
	return dir, n.write("cni/10-pods.conflist", cniConfig)
}
