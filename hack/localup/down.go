// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

// stopGrace is longer than the supervisor needs to stop each of its processes the hard way.
const stopGrace = 3 * time.Minute

// down returns when every process is gone.
func down(ctx context.Context, out io.Writer, l layout) error {
	stopped, err := cleanUp(ctx, l)
	if err != nil {
		return err
	}
	if stopped == 0 {
		fmt.Fprintln(out, "The local control plane is not running.")
		return nil
	}
	fmt.Fprintf(out, "The local control plane is down: %d processes stopped. Binaries and logs stay in %s.\n", stopped, l.local())
	return nil
}

// cleanUp ends the supervisor, then whatever it left if it was killed, and removes their files.
// It returns how many processes it found running.
func cleanUp(ctx context.Context, l layout) (int, error) {
	s, err := l.load()
	if err != nil {
		return 0, err
	}
	records, err := controlplane.Records(l.runDir())
	if err != nil {
		return 0, err
	}
	if s != nil {
		records = append(records, s.Supervisor)
	}
	running := 0
	for _, record := range records {
		if record.Alive() {
			running++
		}
	}
	if s != nil {
		if err := s.Supervisor.Terminate(ctx, stopGrace); err != nil {
			return 0, err
		}
	}
	if err := controlplane.Reap(ctx, l.runDir()); err != nil {
		return 0, err
	}
	return running, l.clear()
}

// status fails when the plane is not up, so that scripts can ask.
func status(out io.Writer, l layout) error {
	s, err := l.load()
	if err != nil {
		return err
	}
	if s == nil || !s.Supervisor.Alive() {
		return fmt.Errorf("the local control plane is not running: start it with `make up`")
	}
	records, err := controlplane.Records(l.runDir())
	if err != nil {
		return err
	}
	processes := map[string]int{s.Supervisor.Name: s.Supervisor.PID}
	for _, record := range records {
		if record.Alive() {
			processes[record.Name] = record.PID
		}
	}
	fmt.Fprintf(out, "The local control plane is %s since %s.\n\n", s.Phase, s.Since.Format(time.DateTime))
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "COMPONENT\tPROCESS\tDETAIL")
	dead := 0
	for _, c := range s.Components {
		process := "-"
		if pid, found := processes[c.Name]; found {
			process = fmt.Sprint(pid)
		} else if c.Name != "node" { // an object, not a process
			process = "DEAD"
			dead++
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", c.Name, process, c.Detail)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the status: %w", err)
	}
	if dead > 0 {
		return fmt.Errorf("%d components have ended: see %s%c", dead, l.logDir(), os.PathSeparator)
	}
	return nil
}
