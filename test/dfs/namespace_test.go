// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideVariable says that a process is the one inside, and where its directory is.
const insideVariable = "DFS_TEST_INSIDE"

// Addresses of the network inside, all of them on its loopback.
const (
	podIP      = "127.0.0.2"
	serviceIP  = "127.0.0.3"
	postgresIP = "127.0.0.4"
)

// hosts are the names of the cluster that something looks up.
var hosts = map[string][]string{
	serviceIP: {"files-adapter-nfs.team.svc", "files-adapter-smb.team.svc"},
	postgresIP: {"postgres.team.svc", "files-postgres-primary.team.svc", "files-postgres-primary.team-a.svc", "shared-primary.team-a.svc",
		"catalog-postgres-primary.team.svc"},
}

// runInside runs this program again in namespaces of its own: ports, mounts and processes of the tests are nobody else's, the
// ports are those that the project renders, and nothing is left behind, however it ends.
func runInside() int {
	if os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "The tests of the real dfs make namespaces for it, which takes root: sudo DFS_BINARY=... make test-dfs")
		return 1
	}
	dir, err := os.MkdirTemp("", "dfs-test")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	runtime.LockOSThread() // the signal below is tied to the thread
	inside := exec.Command("/proc/self/exe", os.Args[1:]...)
	inside.Stdin, inside.Stdout, inside.Stderr = os.Stdin, os.Stdout, os.Stderr
	inside.Env = append(os.Environ(), insideVariable+"="+dir)
	inside.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	}
	err = inside.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return max(exit.ExitCode(), 1)
	default:
		fmt.Fprintf(os.Stderr, "new namespaces for the tests of the real dfs: %v\n", err)
		return 1
	}
}

// furnish makes the namespaces fit to live in.
func furnish(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to ourselves: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := loopbackUp(); err != nil {
		return fmt.Errorf("switch the loopback on: %w", err)
	}
	// Everything is in memory: databases on a disk that others use too would decide how long all this takes.
	if err := unix.Mount("dfs-test", dir, "tmpfs", 0, "size=3g,mode=0755"); err != nil {
		return fmt.Errorf("mount %s: %w", dir, err)
	}
	if err := os.Setenv("TMPDIR", dir); err != nil {
		return err
	}
	file := filepath.Join(dir, "hosts")
	lines := []string{"127.0.0.1 localhost"}
	for ip, names := range hosts {
		lines = append(lines, ip+" "+strings.Join(names, " "))
	}
	slices.Sort(lines)
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		return err
	}
	if err := unix.Mount(file, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount /etc/hosts: %w", err)
	}
	return nil
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
}
