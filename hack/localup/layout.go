// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/dittofs/dittofs-apiserver/test/controlplane/process"
)

// layout names the files below the repository's .local directory.
type layout struct {
	root string
}

func newLayout(root string) (layout, error) {
	absolute, err := filepath.Abs(root)
	if err != nil {
		return layout{}, fmt.Errorf("resolve --root: %w", err)
	}
	// Before anything is created: .local must not appear wherever somebody calls us from.
	if _, err := os.Stat(filepath.Join(absolute, "go.mod")); err != nil {
		return layout{}, fmt.Errorf("%s is not the repository (use --root): %w", absolute, err)
	}
	return layout{root: absolute}, nil
}

func (l layout) local(parts ...string) string {
	return filepath.Join(append([]string{l.root, ".local"}, parts...)...)
}

func (l layout) binDir() string        { return l.local("bin") }
func (l layout) logDir() string        { return l.local("logs") }
func (l layout) runDir() string        { return l.local("run") }
func (l layout) kubeconfig() string    { return l.local("kubeconfig") }
func (l layout) stateFile() string     { return filepath.Join(l.runDir(), "supervisor.json") }
func (l layout) supervisorLog() string { return filepath.Join(l.logDir(), "supervisor.log") }
func (l layout) sample() string {
	return filepath.Join(l.root, "artifacts", "samples", "dittoserver.yaml")
}

// phase is how far the supervisor is.
type phase string

const (
	starting phase = "starting"
	ready    phase = "ready"
	failed   phase = "failed"
)

// state is what the supervisor tells the commands, in a file that only it writes.
type state struct {
	Supervisor process.Record `json:"supervisor"`
	Phase      phase          `json:"phase"`
	Since      time.Time      `json:"since"`
	// Error says why the phase is failed, and ends with the log of the component that is to blame.
	Error      string      `json:"error,omitempty"`
	Components []component `json:"components"`
}

type component struct {
	Name   string `json:"name"`
	Detail string `json:"detail,omitempty"`
	// After is the time from the start to this component's being ready.
	After time.Duration `json:"after"`
}

// load returns nil where no supervisor has left a state.
func (l layout) load() (*state, error) {
	data, err := os.ReadFile(l.stateFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the supervisor's state: %w", err)
	}
	s := &state{}
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("parse %s: %w", l.stateFile(), err)
	}
	return s, nil
}

func (l layout) save(s *state) error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the supervisor's state: %w", err)
	}
	return process.WriteFile(l.stateFile(), append(data, '\n'), 0o600)
}

// claim writes the first state, and fails where another supervisor has done so already.
func (l layout) claim(s *state) error {
	if err := os.MkdirAll(l.runDir(), 0o700); err != nil {
		return fmt.Errorf("prepare %s: %w", l.runDir(), err)
	}
	file, err := os.OpenFile(l.stateFile()+".claim", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return errors.New("another supervisor has started or was killed here: run `make down`")
	}
	if err != nil {
		return fmt.Errorf("claim %s: %w", l.runDir(), err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("claim %s: %w", l.runDir(), err)
	}
	return l.save(s)
}

// clear removes what the end of a control plane leaves behind. Binaries and logs stay.
func (l layout) clear() error {
	return errors.Join(os.RemoveAll(l.runDir()), os.RemoveAll(l.kubeconfig()))
}
