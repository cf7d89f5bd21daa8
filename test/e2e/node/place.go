// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"fmt"
	"os/exec"
	"strconv"
)

// Place is one of the nodes by its number. The first is in the network namespace of the caller, beside the control plane;
// each other has one of its own, as a machine has.
type Place int

// Places is how many there may be.
const Places Place = 3

// First is where the control plane is.
const First Place = 1

// Name is the node's.
func (p Place) Name() string { return "e2e-node-" + strconv.Itoa(int(p)) }

// Address is the node's. Nothing outside of our network namespaces knows it.
func (p Place) Address() string { return fmt.Sprintf("192.168.77.%d", 9+p) }

func (p Place) podRange() string { return fmt.Sprintf("10.244.%d.0/24", p) }

// state is short, since the path of a socket may not be long. /run is ours alone.
func (p Place) state() string { return fmt.Sprintf("/run/containerd-%d", p) }

func (p Place) socket() string { return p.state() + "/containerd.sock" }

// command runs a program in the network of the node. With nsenter, mounts stay those of all nodes: what a kubelet mounts, its
// containerd finds.
func (p Place) command(name string, args ...string) *exec.Cmd {
	if p == First {
		return exec.Command(name, args...)
	}
	return exec.Command("nsenter", append([]string{"--net=/run/netns/" + p.Name(), "--", name}, args...)...)
}
