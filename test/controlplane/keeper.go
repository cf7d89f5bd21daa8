// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	_ "embed"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"github.com/dittofs/dittofs-apiserver/test/controlplane/process"
)

//go:embed manifests/guardian.sh
var guardianScript string

// keeper knows every process of one plane, so that none outlives it: by a guardian when we are killed, by records
// in a file when the guardian is killed as well. A pipe and a shell serve Linux and macOS alike; Pdeathsig is
// Linux's alone, follows the parent's thread rather than its process, and cannot be set on what envtest starts.
type keeper struct {
	stateDir, logDir string

	guardian *exec.Cmd
	lifeline io.Closer

	mu      sync.Mutex
	records map[string]process.Record
	// opened are the logs that this plane has begun.
	opened map[string]bool
}

func newKeeper(stateDir, logDir string) (*keeper, error) {
	k := &keeper{stateDir: stateDir, logDir: logDir, records: map[string]process.Record{}, opened: map[string]bool{}}
	for _, dir := range []string{logDir, k.pidDir(), k.launchDir()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("prepare the control plane's directory: %w", err)
		}
	}
	k.guardian = exec.Command("/bin/sh", "-c", guardianScript, "guardian", k.pidDir())
	// A session of its own: a Ctrl-C in the terminal must not take the guardian away first.
	k.guardian.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	lifeline, err := k.guardian.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("open the guardian's pipe: %w", err)
	}
	if err := k.guardian.Start(); err != nil {
		return nil, fmt.Errorf("start the guardian: %w", err)
	}
	k.lifeline = lifeline
	return k, nil
}

// close ends the guardian and waits for it. Whatever still runs, it kills.
func (k *keeper) close() {
	_ = k.lifeline.Close()
	_ = k.guardian.Wait() // its exit status is that of the last kill
}

func (k *keeper) pidDir() string             { return filepath.Join(k.stateDir, "pids") }
func (k *keeper) launchDir() string          { return filepath.Join(k.stateDir, "launch") }
func (k *keeper) pidFile(name string) string { return filepath.Join(k.pidDir(), name) }
func (k *keeper) logPath(name string) string { return filepath.Join(k.logDir, name+".log") }

// recordsFile is where Reap looks for what a killed plane left behind.
func recordsFile(stateDir string) string { return filepath.Join(stateDir, "processes.json") }

// launcher writes the script that a component is started by. It notes its process id before it becomes the
// component, which is the only way to learn the ids of what envtest starts. Proxies are for the world, not for
// loopback: kube-apiserver would send webhook calls through them.
func (k *keeper) launcher(name, binary string) (string, error) {
	script := fmt.Sprintf(`#!/bin/sh
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
echo $$ %[1]s >%[2]s
exec %[1]s "$@"
`, shellQuote(binary), shellQuote(k.pidFile(name)))
	path := filepath.Join(k.launchDir(), name)
	// A process that is forked meanwhile would keep the file open for writing, and then it cannot be executed: golang/go#22315.
	syscall.ForkLock.RLock()
	err := os.WriteFile(path, []byte(script), 0o700)
	syscall.ForkLock.RUnlock()
	if err != nil {
		return "", fmt.Errorf("write the launcher of %s: %w", name, err)
	}
	return path, nil
}

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// adopt records the component that its launcher became.
func (k *keeper) adopt(name string) error {
	data, err := os.ReadFile(k.pidFile(name))
	if err != nil {
		return fmt.Errorf("find the process of %s: %w", name, err)
	}
	word, _, _ := strings.Cut(string(data), " ")
	pid, err := strconv.Atoi(word)
	if err != nil {
		return fmt.Errorf("find the process of %s: %w", name, err)
	}
	return k.record(name, pid)
}

func (k *keeper) record(name string, pid int) error {
	identity, err := process.Identify(name, pid)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.records[name] = identity
	return k.saveLocked()
}

// forget is called when a component has ended, before anything else can get its process id.
func (k *keeper) forget(name string) {
	_ = os.Remove(k.pidFile(name))
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.records, name)
	_ = k.saveLocked() // a record too many is harmless: its time of start is checked
}

func (k *keeper) list() []process.Record {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Collect(maps.Values(k.records))
}

func (k *keeper) saveLocked() error {
	return process.Save(recordsFile(k.stateDir), slices.Collect(maps.Values(k.records)))
}
