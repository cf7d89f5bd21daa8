// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package isolation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

// stageVariable tells the program which part of the way in it is.
const stageVariable = "DITTOFS_E2E_STAGE"

const (
	stageInit    = "init"
	stageCommand = "command"
)

// Enter returns in the isolated process only. The process that calls it first becomes the one that waits, with lockFile
// as the sign that nobody else does the same on this machine, and ends the program with the exit status of the isolated one.
func Enter(lockFile string) error {
	switch os.Getenv(stageVariable) {
	case stageCommand:
		return os.Unsetenv(stageVariable)
	case stageInit:
		status, err := runInit()
		if err != nil {
			return err
		}
		os.Exit(status)
	}
	status, err := runOutside(lockFile)
	if err != nil {
		return err
	}
	os.Exit(status)
	return nil
}

func runOutside(lockFile string) (status int, err error) {
	if os.Geteuid() != 0 {
		return 0, errors.New("run it as root: it makes namespaces and cgroups, and starts a kubelet")
	}
	lock, err := lock(lockFile)
	if err != nil {
		return 0, err
	}
	defer lock.Close()
	// A run that was killed has left them.
	if err := removeCgroups(); err != nil {
		return 0, err
	}
	if err := makeCgroups(); err != nil {
		return 0, errors.Join(err, removeCgroups())
	}
	settings, err := rememberSettings(lockFile + ".settings")
	if err != nil {
		return 0, errors.Join(err, removeCgroups())
	}
	status, err = startIsolated()
	return status, errors.Join(err, settings.restore(), removeCgroups())
}

// lock fails when another run is on: there is one set of cgroups.
func lock(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("another run is on (%s is locked): %w", path, err)
	}
	return file, nil
}

func startIsolated() (status int, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	// The death signal follows the thread that started the process, not the program.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	command := exec.Command(self, os.Args[1:]...)
	command.Env = append(os.Environ(), stageVariable+"="+stageInit)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
		// A group of its own: an interrupt in the terminal comes to us, and we pass it on once.
		Setpgid: true,
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := command.Start(); err != nil {
		return 0, fmt.Errorf("start in namespaces of its own: %w", err)
	}
	done := make(chan error, 1)
	go func() { done <- command.Wait() }()
	for {
		select {
		case s := <-signals:
			_ = command.Process.Signal(s)
		case err := <-done:
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				// Killed by a signal, it has no status of its own.
				return max(exit.ExitCode(), 1), nil
			}
			return 0, err
		}
	}
}

// runInit is process 1 of the new namespaces. It starts the command and buries the processes that nobody waits for: the
// shims of containerd are such. With it, the kernel ends everything else.
func runInit() (status int, err error) {
	if os.Getpid() != 1 {
		return 0, errors.New("not the first process of a namespace")
	}
	if err := prepareMounts(context.Background()); err != nil {
		return 0, err
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	// Set and not appended: of two values, the first would count.
	if err := os.Setenv(stageVariable, stageCommand); err != nil {
		return 0, err
	}
	child, err := os.StartProcess(self, os.Args, &os.ProcAttr{
		Env:   os.Environ(),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
	})
	if err != nil {
		return 0, fmt.Errorf("start the command: %w", err)
	}
	go func() {
		for s := range signals {
			_ = child.Signal(s)
		}
	}()
	for {
		var state syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &state, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 0, fmt.Errorf("wait for the command: %w", err)
		case pid == child.Pid && state.Exited():
			return state.ExitStatus(), nil
		case pid == child.Pid:
			return 1, nil
		}
	}
}
