// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package etcd

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

func start(t *testing.T, dir string) *Embedded {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e, err := Start(ctx, Config{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

func client(t *testing.T, e *Embedded) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: []string{e.Endpoint()}, DialTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestWhatIsWrittenOutlivesARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	e := start(t, dir)
	if _, err := client(t, e).Put(t.Context(), "key", "value"); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	response, err := client(t, start(t, dir)).Get(t.Context(), "key")
	if err != nil {
		t.Fatal(err)
	}
	if len(response.Kvs) != 1 || string(response.Kvs[0].Value) != "value" {
		t.Fatalf("after the restart: %v", response.Kvs)
	}
}

func TestADirectoryInUseIsRefusedAtOnceWithItsHolder(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := Start(ctx, Config{DataDir: dir})
	if err == nil || !strings.Contains(err.Error(), "in use by another dittofs-apiserver (process ") {
		t.Fatalf("a second start said: %v", err)
	}
}

func TestAPathTooLongForASocketFallsBackToAPrivateDirectory(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	e := start(t, filepath.Join(t.TempDir(), strings.Repeat("long", 30)))
	if _, err := client(t, e).Put(t.Context(), "key", "value"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(e.sockets.path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("socket directory has mode %v", info.Mode())
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestNobodyElseMayReadTheStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	start(t, dir)
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		// A socket is guarded by the directory around it.
		if err == nil && info.Mode()&os.ModeSocket == 0 && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The address of a peer listener would be an abstract socket, which everybody in the network namespace may connect to,
// and which cannot be closed where the working directory is read-only: the process would not end.
func TestOnlyTheClientSocketIsListenedOn(t *testing.T) {
	before := abstractSockets(t)
	dir := filepath.Join(t.TempDir(), "data")
	e := start(t, dir)
	if len(e.server.Peers) != 0 {
		t.Errorf("%d peer listeners", len(e.server.Peers))
	}
	entries, err := os.ReadDir(filepath.Join(dir, "sockets"))
	if err != nil || len(entries) != 1 || entries[0].Name() != "client" {
		t.Errorf("sockets %v, %v", entries, err)
	}
	if after := abstractSockets(t); after > before {
		t.Errorf("%d abstract sockets more than before", after-before)
	}
}

// abstractSockets counts what this process listens on that has no file; none where the system does not tell.
func abstractSockets(t *testing.T) (count int) {
	t.Helper()
	data, err := os.ReadFile("/proc/self/net/unix")
	if err != nil {
		return 0
	}
	own := map[string]bool{}
	links, _ := filepath.Glob("/proc/self/fd/*")
	for _, link := range links {
		if target, err := os.Readlink(link); err == nil {
			own[target] = true
		}
	}
	for _, line := range strings.Split(string(data), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 8 && strings.HasPrefix(fields[7], "@") && own["socket:["+fields[6]+"]"] {
			count++
		}
	}
	return count
}
