// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dittofs/dittofs-apiserver/test/controlplane/process"
)

func testLayout(t *testing.T) layout {
	t.Helper()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "go.mod"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := newLayout(root)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLayoutRefusesADirectoryThatIsNotTheRepository(t *testing.T) {
	if _, err := newLayout(t.TempDir()); err == nil || !strings.Contains(err.Error(), "--root") {
		t.Fatalf("got %v, want an error that names --root", err)
	}
}

func TestOnlyOneSupervisorClaimsTheDirectory(t *testing.T) {
	l := testLayout(t)
	if s, err := l.load(); s != nil || err != nil {
		t.Fatalf("before: %v, %v", s, err)
	}
	if err := l.claim(&state{Phase: starting}); err != nil {
		t.Fatal(err)
	}
	if err := l.claim(&state{Phase: starting}); err == nil || !strings.Contains(err.Error(), "make down") {
		t.Errorf("a second claim: %v", err)
	}
	if err := l.clear(); err != nil {
		t.Fatal(err)
	}
	if err := l.claim(&state{Phase: starting}); err != nil {
		t.Errorf("after clear: %v", err)
	}
}

func TestDownWithNothingRunning(t *testing.T) {
	l := testLayout(t)
	out := &bytes.Buffer{}
	if err := down(t.Context(), out, l); err != nil || !strings.Contains(out.String(), "not running") {
		t.Fatalf("got %q, %v", out, err)
	}
	if err := status(out, l); err == nil || !strings.Contains(err.Error(), "make up") {
		t.Errorf("status: %v", err)
	}
}

func TestDownSparesAProcessThatReusesTheSupervisorsID(t *testing.T) {
	l := testLayout(t)
	// This test's own process stands for the one that got the id: it must survive.
	reused := process.Record{Name: "supervisor", PID: os.Getpid(), Started: "another time"}
	if err := l.claim(&state{Supervisor: reused, Phase: ready}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.kubeconfig(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out := &bytes.Buffer{}
	if err := down(t.Context(), out, l); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{l.runDir(), l.kubeconfig()} {
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("%s is left: %v", path, err)
		}
	}
}

func TestReadSample(t *testing.T) {
	tests := map[string]struct {
		manifest        string
		name, namespace string
		wantErr         bool
	}{
		"alone":                     {manifest: "kind: DittoServer\nmetadata: {name: demo}\n", name: "demo"},
		"after its namespace":       {manifest: "kind: Namespace\nmetadata: {name: a}\n---\nkind: DittoServer\nmetadata: {name: demo, namespace: a}\n", name: "demo", namespace: "a"},
		"a manifest without server": {manifest: "kind: Namespace\nmetadata: {name: a}\n", wantErr: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sample.yaml")
			if err := os.WriteFile(path, []byte(tc.manifest), 0o600); err != nil {
				t.Fatal(err)
			}
			gotName, gotNamespace, err := readSample(path)
			if gotName != tc.name || gotNamespace != tc.namespace || (err != nil) != tc.wantErr {
				t.Fatalf("got %q, %q, %v", gotName, gotNamespace, err)
			}
		})
	}
}
