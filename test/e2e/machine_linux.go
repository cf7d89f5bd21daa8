// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	corev1 "k8s.io/api/core/v1"
)

// unmount lets go of a mount, at once or as soon as nobody uses it.
func unmount(path string) { _ = syscall.Unmount(path, syscall.MNT_DETACH) }

// killProgram kills the process that runs an executable of this name, as a machine that is out of memory would.
func killProgram(name string) error { return kill(name, "") }

// killPod kills the process of this name in a container of the pod.
func killPod(pod *corev1.Pod, name string) error { return kill(name, "pod"+string(pod.UID)) }

// kill looks for a process by its executable, and by a part of the name of its cgroup.
func kill(name, cgroup string) error {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		executable, err := os.Readlink(filepath.Join("/proc", entry.Name(), "exe"))
		if err != nil || filepath.Base(executable) != name {
			continue
		}
		if groups, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cgroup")); err == nil && strings.Contains(string(groups), cgroup) {
			return syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	return fmt.Errorf("kill %s: %w", name, errors.New("no such process"))
}
