// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// podVariable holds the container that a process is to become.
const podVariable = "DFS_TEST_CONTAINER"

// container is what a container runtime is told. Its paths are exactly those of the pod template.
type container struct {
	Root     string // a directory with the mount points in it
	Mounts   []bind
	ReadOnly bool // the root file system
	UID, GID int
	Groups   []int
	Args     []string
	Env      []string
}

type bind struct {
	From, To string
	ReadOnly bool
}

// becomeContainer never returns. It runs in a mount namespace of its own.
func becomeContainer() {
	var c container
	err := json.Unmarshal([]byte(os.Getenv(podVariable)), &c)
	if err == nil {
		err = c.run()
	}
	fmt.Fprintf(os.Stderr, "container: %v\n", err)
	os.Exit(125)
}

func (c container) run() error {
	if err := unix.Mount(c.Root, c.Root, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount the root: %w", err)
	}
	for _, m := range c.Mounts {
		if err := m.mount(c.Root); err != nil {
			return fmt.Errorf("mount %s: %w", m.To, err)
		}
	}
	if c.ReadOnly {
		if err := readOnly(c.Root); err != nil {
			return fmt.Errorf("make the root read-only: %w", err)
		}
	}
	if err := unix.Chroot(c.Root); err != nil {
		return err
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	// Whoever leaves root leaves every capability behind.
	if err := syscall.Setgroups(c.Groups); err != nil {
		return err
	}
	if err := syscall.Setgid(c.GID); err != nil {
		return err
	}
	if err := syscall.Setuid(c.UID); err != nil {
		return err
	}
	return syscall.Exec(c.Args[0], c.Args, c.Env)
}

func (m bind) mount(root string) error {
	to := filepath.Join(root, m.To)
	if err := unix.Mount(m.From, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if m.ReadOnly {
		return readOnly(to)
	}
	return nil
}

// readOnly keeps the other flags of the file system below: a remount without them would be refused.
func readOnly(path string) error {
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return err
	}
	keep := uintptr(fs.Flags) & (unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME)
	return unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|keep, "")
}
