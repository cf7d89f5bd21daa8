// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package isolation

import (
	"context"
	"fmt"
	"os/exec"
	"syscall"
)

// prepareMounts hides the mounts from the rest of the machine, and replaces what belongs to the machine: its processes,
// and the directories in which containerd and the kubelet keep sockets and links.
func prepareMounts(ctx context.Context) error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	for _, dir := range []string{"/run", "/var/log"} {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=755"); err != nil {
			return fmt.Errorf("mount %s: %w", dir, err)
		}
	}
	// A namespace of names is made with the names of the machine.
	if err := syscall.Sethostname([]byte("dittofs-e2e")); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	if output, err := exec.CommandContext(ctx, "ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("start the loopback: %w: %s", err, output)
	}
	return nil
}
