// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func startSleeper(t *testing.T) (Record, <-chan error) {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	record, err := Identify("sleeper", cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	return record, ended
}

func TestTerminateEndsTheRecordedProcess(t *testing.T) {
	record, ended := startSleeper(t)
	if !record.Alive() {
		t.Fatal("a process that runs is reported dead")
	}
	if err := record.Terminate(t.Context(), 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil {
		t.Error("the process ended by itself, not by a signal")
	}
	if record.Alive() {
		t.Fatal("a process that ended is reported alive")
	}
}

func TestTerminateSparesAReusedID(t *testing.T) {
	record, ended := startSleeper(t)
	reused := record
	reused.Started = "another time"
	if err := reused.Terminate(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		t.Fatalf("the process was stopped although its time of start differs: %v", err)
	default:
	}
	if !record.Alive() {
		t.Fatal("the process is gone")
	}
}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "processes.json")
	if records, err := Load(path); err != nil || records != nil {
		t.Fatalf("a missing file: got %v, %v", records, err)
	}
	want := []Record{{Name: "etcd", PID: 1, Started: "2"}}
	if err := Save(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := Load(path)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("got %v, %v, want %v", got, err, want)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil {
		t.Fatal("a broken file is believed")
	}
}
