// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// upTimeout is far above what a start takes (seconds) and below what a user waits for in vain.
const upTimeout = 5 * time.Minute

// up leaves the plane running and says how to use it.
func up(ctx context.Context, out io.Writer, l layout, emulatedVersion string) error {
	if err := ensureUp(ctx, out, l, emulatedVersion); err != nil {
		return err
	}
	printNextSteps(out, l)
	return nil
}

// ensureUp returns when the plane is ready. What it started and could not finish, it removes.
func ensureUp(ctx context.Context, out io.Writer, l layout, emulatedVersion string) error {
	s, err := l.load()
	if err != nil {
		return err
	}
	if s != nil && s.Supervisor.Alive() {
		if s.Phase == ready {
			fmt.Fprintf(out, "The local control plane is up (since %s).\n", s.Since.Format(time.DateTime))
			return nil
		}
		return fmt.Errorf("the local control plane is %s (process %d): wait for it or run `make down`", s.Phase, s.Supervisor.PID)
	}
	// A supervisor that was killed leaves its state, and perhaps processes.
	if _, err := cleanUp(ctx, l); err != nil {
		return err
	}
	supervisor, err := spawn(l, emulatedVersion)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "Starting the local control plane")
	followCtx, cancel := context.WithTimeout(ctx, upTimeout)
	defer cancel()
	err = follow(followCtx, out, l, supervisor)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		fmt.Fprintln(out, "Interrupted: stopping what was started")
		err = errors.New("interrupted")
	}
	// Not on ctx: it may be over, and cleaning up is what is left to do.
	return errors.Join(err, supervisor.end(), cleanUpAlways(ctx, l))
}

func cleanUpAlways(ctx context.Context, l layout) error {
	_, err := cleanUp(context.WithoutCancel(ctx), l)
	return err
}

func printNextSteps(out io.Writer, l layout) {
	fmt.Fprintf(out, `
  export KUBECONFIG=%s
  export PATH=%s:$PATH
  kubectl get dittoservers.dittofs.io --all-namespaces

Logs are in %s. Stop it with: make down
`, l.kubeconfig(), l.binDir(), l.logDir())
}

// background is the supervisor as its parent sees it.
type background struct {
	command *exec.Cmd
	done    chan struct{}
	err     error // valid once done is closed
}

// spawn starts the supervisor in a session of its own, so that neither Ctrl-C nor the end of the terminal reaches it.
func spawn(l layout, emulatedVersion string) (*background, error) {
	if err := os.MkdirAll(l.logDir(), 0o700); err != nil {
		return nil, fmt.Errorf("prepare %s: %w", l.logDir(), err)
	}
	log, err := os.Create(l.supervisorLog())
	if err != nil {
		return nil, fmt.Errorf("open the supervisor's log: %w", err)
	}
	defer log.Close()
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	b := &background{done: make(chan struct{})}
	b.command = exec.Command(self, "run", "--root="+l.root, "--emulated-version="+emulatedVersion)
	b.command.Dir = l.root
	b.command.Stdout, b.command.Stderr = log, log
	// envtest notes in the user's cache which ports it has given out.
	b.command.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(l.runDir(), "cache"))
	b.command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := b.command.Start(); err != nil {
		return nil, fmt.Errorf("start the supervisor: %w", err)
	}
	// This one goroutine outlives a successful up: the supervisor does, and the end of this process ends it.
	go func() {
		b.err = b.command.Wait()
		close(b.done)
	}()
	return b, nil
}

// end stops a supervisor that did not get ready and waits for it; it stops its processes in order.
func (b *background) end() error {
	select {
	case <-b.done:
		return nil
	default:
	}
	if err := b.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop the supervisor: %w", err)
	}
	select {
	case <-b.done:
	case <-time.After(stopGrace):
		_ = b.command.Process.Kill()
		<-b.done
	}
	return nil
}

// follow prints a line for each component that became ready.
func follow(ctx context.Context, out io.Writer, l layout, supervisor *background) error {
	printed := 0
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		ended := false
		select {
		case <-ctx.Done():
			return fmt.Errorf("the control plane did not get ready: %w", ctx.Err())
		case <-supervisor.done:
			ended = true // its last words are still to be read
		case <-ticker.C:
		}
		s, err := l.load()
		if err != nil {
			return err
		}
		if s != nil {
			for ; printed < len(s.Components); printed++ {
				c := s.Components[printed]
				line := fmt.Sprintf("  %-24s ready after %5.1fs  %s", c.Name, c.After.Seconds(), c.Detail)
				fmt.Fprintln(out, strings.TrimRight(line, " "))
			}
			switch s.Phase {
			case ready:
				return nil
			case failed:
				return errors.New(s.Error)
			}
		}
		if ended {
			log, _ := os.ReadFile(l.supervisorLog())
			exit := "exit status 0"
			if supervisor.err != nil {
				exit = supervisor.err.Error()
			}
			return fmt.Errorf("the supervisor ended (%s); its log, %s:\n%s", exit, l.supervisorLog(), log)
		}
	}
}
