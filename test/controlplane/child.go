// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// child is a process that we start ourselves (all but etcd and kube-apiserver).
type child struct {
	keeper *keeper
	name   string
	cmd    *exec.Cmd
	// done is closed when the process has ended and err is set.
	done chan struct{}
	err  error
}

func (k *keeper) start(name, binary string, args, env []string) (*child, error) {
	launcher, err := k.launcher(name, binary)
	if err != nil {
		return nil, err
	}
	log, err := k.openLog(name)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	c := &child{keeper: k, name: name, cmd: exec.Command(launcher, args...), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.Env = append(os.Environ(), env...)
	// A group of its own: a Ctrl-C in the terminal is ours to handle, in order.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	// Recorded first: an early exit must not be forgotten before it is recorded.
	recordErr := k.record(name, c.cmd.Process.Pid)
	go func() {
		c.err = c.cmd.Wait()
		k.forget(name)
		close(c.done)
	}()
	if recordErr != nil {
		c.kill()
		return nil, recordErr
	}
	return c, nil
}

// openLog begins anew with each plane and goes on after a restart within it.
func (k *keeper) openLog(name string) (*os.File, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	mode := os.O_TRUNC
	if k.opened[name] {
		mode = os.O_APPEND
	}
	log, err := os.OpenFile(k.logPath(name), os.O_CREATE|os.O_WRONLY|mode, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	k.opened[name] = true
	return log, nil
}

func (c *child) running() bool {
	if c == nil {
		return false
	}
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// stop asks the process to end, kills it after the grace period and waits until it is gone.
func (c *child) stop(grace time.Duration) error {
	if !c.running() {
		return nil
	}
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", c.name, err)
	}
	select {
	case <-c.done:
		return nil
	case <-time.After(grace):
		c.kill()
		return fmt.Errorf("%s did not stop within %s and was killed", c.name, grace)
	}
}

func (c *child) kill() {
	if c.running() {
		_ = c.cmd.Process.Kill()
		<-c.done
	}
}

func (c *child) signal(sig syscall.Signal) error {
	if !c.running() {
		return fmt.Errorf("%s does not run", c.name)
	}
	if err := c.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("send %s to %s: %w", sig, c.name, err)
	}
	return nil
}

// failure explains why a process that should run does not, with the end of its log.
func (c *child) failure() error {
	if c.running() {
		return nil
	}
	return c.keeper.withLog(c.name, fmt.Errorf("%s ended: %w", c.name, exitReason(c.err)))
}

// explain turns the error of waiting for a process into its cause: that it ended, or else what its log says.
func (c *child) explain(err error) error {
	if err == nil {
		return nil
	}
	if failure := c.failure(); failure != nil {
		return failure
	}
	return c.keeper.withLog(c.name, err)
}

func exitReason(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// withLog adds the last lines of a component's log to what went wrong with it.
func (k *keeper) withLog(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w\nthe end of %s:\n%s", err, k.logPath(name), tail(k.logPath(name), 20))
}

// tail returns the last lines of a file, each cut where nobody reads on.
func tail(path string, count int) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	lines = lines[max(0, len(lines)-count):]
	for i, line := range lines {
		if len(line) > 500 {
			lines[i] = line[:500] + " ..."
		}
	}
	return strings.Join(lines, "\n")
}
