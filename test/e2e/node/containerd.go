// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// PauseImage holds the namespaces of a pod. It is our own: there is no registry.
const PauseImage = "dittofs.test/pause:1"

const containerdConfig = `version = 3
root = %[1]q
state = %[6]q
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.tracing.processor.v1.otlp"]

[grpc]
  address = %[2]q

[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = %[3]q

[plugins."io.containerd.cri.v1.runtime"]
  # Without CAP_SYS_RESOURCE, which containers that run this have not, nothing can be made less likely to be killed.
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = [%[4]q]
    conf_dir = %[5]q
  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        SystemdCgroup = false
`

func (n *Node) startContainerd(ctx context.Context) error {
	cni, err := n.writeCNI()
	if err != nil {
		return err
	}
	config := fmt.Sprintf(containerdConfig, filepath.Join(n.options.Dir, "containerd"), n.options.Place.socket(), PauseImage, n.options.CNIBinDir, cni, n.options.Place.state())
	if err := n.write("containerd.toml", config); err != nil {
		return err
	}
	d, err := n.start("containerd", n.binary("containerd"), "--config", filepath.Join(n.options.Dir, "containerd.toml"))
	if err != nil {
		return err
	}
	return d.await(ctx, func(ctx context.Context) error { return n.ctr(ctx, "version") })
}

// ImportImage makes the images of an archive known under the names that they have in it.
func (n *Node) ImportImage(ctx context.Context, archive string) error {
	return n.ctr(ctx, "images", "import", "--local", "--snapshotter", "overlayfs", archive)
}

func (n *Node) ctr(ctx context.Context, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return run(ctx, n.binary("ctr"), append([]string{"--address", n.options.Place.socket(), "--namespace", "k8s.io"}, args...)...)
}
