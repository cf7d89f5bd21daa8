// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// daemon is a process of the node.
type daemon struct {
	name    string
	logPath string
	command *exec.Cmd
	done    chan struct{}
	err     error // valid once done is closed
}

// start begins a daemon with its output in LogDir.
func (n *Node) start(name, binary string, args ...string) (*daemon, error) {
	d := &daemon{name: name, logPath: filepath.Join(n.options.LogDir, name+".log"), done: make(chan struct{})}
	log, err := os.OpenFile(d.logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", name, err)
	}
	defer log.Close() // the process has its own
	d.command = n.options.Place.command(binary, args...)
	d.command.Stdout, d.command.Stderr = log, log
	// The programs that were built for this cluster come before those of the machine: containerd looks for its shim there.
	d.command.Env = append(os.Environ(), "PATH="+n.options.BinDir+":"+os.Getenv("PATH"))
	d.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := d.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		d.err = d.command.Wait()
		close(d.done)
	}()
	n.daemons = append(n.daemons, d)
	return d, nil
}

// await polls until check succeeds, and gives up when the daemon has ended, or after startTimeout.
func (d *daemon) await(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-d.done:
			return fmt.Errorf("%s ended: %w\n%s", d.name, errors.Join(d.err, err), d.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w\n%s", d.name, err, d.tail())
		case <-tick.C:
		}
	}
}

func (d *daemon) stop(grace time.Duration) error {
	select {
	case <-d.done:
		return nil
	default:
	}
	_ = d.command.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.done:
		return nil
	case <-time.After(grace):
		_ = d.command.Process.Kill()
		<-d.done
		return fmt.Errorf("%s did not stop within %s and was killed", d.name, grace)
	}
}

// tail is the end of the log.
func (d *daemon) tail() string {
	data, err := os.ReadFile(d.logPath)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}

// run executes a command that ends by itself.
func run(ctx context.Context, name string, args ...string) error {
	output, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, output)
	}
	return nil
}
