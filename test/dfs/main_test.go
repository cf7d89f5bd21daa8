// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

// Package dfs_test runs a real DittoFS server and holds against it what the rest of the project believes about it.
// In go the binary that DFS_BINARY names and the objects that the project renders, run as a kubelet would run them; out comes a
// table of what held. Without the variable every test is skipped. It has a network of its own: nothing of it is seen outside.
package dfs_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// dfsBinary is the executable that the tests are about.
var dfsBinary = os.Getenv("DFS_BINARY")

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(podVariable) != "":
		becomeContainer()
	case dfsBinary == "" || listsOnly():
		os.Exit(m.Run())
	case os.Getenv(insideVariable) == "":
		os.Exit(runInside())
	}
	if err := furnish(os.Getenv(insideVariable)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	stopPostgres()
	printResults()
	os.Exit(code)
}

func listsOnly() bool {
	for _, arg := range os.Args[1:] {
		if strings.HasPrefix(arg, "-test.list") {
			return true
		}
	}
	return false
}

// result is a line of the table at the end.
type result struct {
	test, what, outcome string
	took                time.Duration
}

var results struct {
	sync.Mutex
	lines []result
}

// proves skips a test without a binary, and says in the table what it is good for.
func proves(t *testing.T, what string) {
	t.Helper()
	started := time.Now()
	t.Cleanup(func() {
		outcome := "ok"
		switch {
		case t.Failed():
			outcome = "FAILED"
		case t.Skipped():
			outcome = "skipped"
		}
		results.Lock()
		defer results.Unlock()
		results.lines = append(results.lines, result{strings.TrimPrefix(t.Name(), "Test"), what, outcome, time.Since(started)})
	})
	if dfsBinary == "" {
		t.Skip("DFS_BINARY does not name a dfs binary")
	}
}

func printResults() {
	fmt.Printf("\nAgainst %s\n\n", strings.Join(versions(), ", "))
	fmt.Println("| Test | What | Result | Seconds |")
	fmt.Println("|---|---|---|---|")
	for _, r := range results.lines {
		fmt.Printf("| %s | %s | %s | %.1f |\n", r.test, r.what, r.outcome, r.took.Seconds())
	}
	fmt.Println()
}

// versions are those of the programs that took part.
func versions() []string {
	var out []string
	for _, command := range [][]string{{dfsBinary, "version"}, {postgresProgram("postgres"), "--version"}, {"smbclient", "--version"}} {
		text, err := exec.Command(command[0], command[1:]...).CombinedOutput()
		if first, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n"); err == nil && first != "" {
			out = append(out, first)
		}
	}
	if text, err := exec.Command("dpkg-query", "-W", "-f", "${Package} ${Version}", "libnfs-utils").Output(); err == nil {
		out = append(out, string(text))
	}
	return out
}
