// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package process names processes so that they can be found again by another process.
// In: a process id. Out: a record (id and time of start) that survives in a file, whether
// it still runs, and its end. It never signals a process whose time of start differs.
package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// Record identifies one process. The id alone does not: the system hands it out again.
type Record struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
	// Started is the time of start in whatever form the system keeps it; only compared.
	Started string `json:"started"`
}

// Identify records a process that runs now.
func Identify(name string, pid int) (Record, error) {
	state, err := inspect(pid)
	if err != nil {
		return Record{}, fmt.Errorf("identify %s (process %d): %w", name, pid, err)
	}
	return Record{Name: name, PID: pid, Started: state.started}, nil
}

// Alive tells whether the recorded process still runs. A zombie does not: where nobody
// reaps orphans (a container without an init), it would otherwise live forever.
func (r Record) Alive() bool {
	if r.PID <= 0 {
		return false
	}
	state, err := inspect(r.PID)
	return err == nil && !state.zombie && state.started == r.Started
}

// Terminate asks the process to end, kills it after the grace period and returns when it is gone.
func (r Record) Terminate(ctx context.Context, grace time.Duration) error {
	if !r.Alive() {
		return nil
	}
	if err := signal(r.PID, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s (process %d): %w", r.Name, r.PID, err)
	}
	if r.awaitEnd(ctx, grace) == nil {
		return nil
	}
	// Asked again right before the kill: the process may have ended in between.
	if r.Alive() {
		if err := signal(r.PID, syscall.SIGKILL); err != nil {
			return fmt.Errorf("kill %s (process %d): %w", r.Name, r.PID, err)
		}
	}
	if err := r.awaitEnd(context.WithoutCancel(ctx), 10*time.Second); err != nil {
		return fmt.Errorf("%s (process %d) survived SIGKILL: %w", r.Name, r.PID, err)
	}
	return nil
}

func (r Record) awaitEnd(ctx context.Context, limit time.Duration) error {
	return wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, limit, true,
		func(context.Context) (bool, error) { return !r.Alive(), nil })
}

func signal(pid int, sig syscall.Signal) error {
	if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// Save writes records to a file in one step: a reader sees the old list or the new one.
func Save(path string, records []Record) error {
	data, err := json.MarshalIndent(records, "", "  ")
	if err != nil {
		return fmt.Errorf("encode process records: %w", err)
	}
	return WriteFile(path, append(data, '\n'), 0o600)
}

// Load reads what Save wrote. A file that does not exist holds no records.
func Load(path string) ([]Record, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read process records: %w", err)
	}
	var records []Record
	if err := json.Unmarshal(data, &records); err != nil {
		return nil, fmt.Errorf("parse process records %s: %w", path, err)
	}
	return records, nil
}

// WriteFile replaces a file in one step.
func WriteFile(path string, data []byte, mode fs.FileMode) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, data, mode); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("replace %s: %w", path, err)
	}
	return nil
}
