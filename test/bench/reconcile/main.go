// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command reconcile measures the controllers on local control planes: how soon many DittoServers have their objects and are
// Ready, beside the same objects written by a plain client; what that costs the host cluster and our process; what goes on
// at rest and with dead dfs APIs; and how soon edits arrive. In: the binaries of `make local-binaries`. Out: tables in
// Markdown. Nothing outlives it but logs and profiles.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"time"

	"k8s.io/klog/v2"

	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
)

// options are the flags.
type options struct {
	binDir, repoDir, dir, profileDir string

	servers, edits, writers   int
	medium, large             int
	controllerQPS             int
	settle, rest, dead, limit time.Duration
	skipFloor, skipSizes      bool
	skipRunning, skip5000     bool
}

func main() {
	var o options
	flag.StringVar(&o.binDir, "bin-dir", ".local/bin", "directory with the binaries that make local-binaries builds")
	flag.StringVar(&o.repoDir, "repo-dir", ".", "root of the repository, for the manifests that users install")
	flag.StringVar(&o.dir, "dir", ".local/bench-reconcile", "directory for data and logs")
	flag.StringVar(&o.profileDir, "profile-dir", "", "directory for CPU profiles of our server; empty: none")
	flag.IntVar(&o.servers, "servers", 200, "DittoServers that are created at once and run")
	flag.IntVar(&o.edits, "edits", 100, "edits, and changes of Secrets, that latencies are measured with; at most half of the servers each")
	flag.IntVar(&o.writers, "writers", 16, "requests in flight while objects are created, which is as many as the controller has workers")
	flag.IntVar(&o.medium, "medium", 1000, "DittoServers with replicas: 0 in the second step of the sizes")
	flag.IntVar(&o.large, "large", 5000, "the same in the third")
	flag.IntVar(&o.controllerQPS, "controller-qps", 20, "--kube-api-qps of kube-controller-manager while servers run; its default is 20")
	flag.DurationVar(&o.settle, "settle", 45*time.Second, "time after the last change before anything counts as at rest")
	flag.DurationVar(&o.rest, "rest", time.Minute, "time that is measured at rest")
	flag.DurationVar(&o.dead, "dead", 6*time.Minute, "time that is measured with dead dfs APIs, at least 2m")
	flag.DurationVar(&o.limit, "limit", 15*time.Minute, "time that any one step may take")
	flag.BoolVar(&o.skipFloor, "skip-floor", false, "leave out the plain client")
	flag.BoolVar(&o.skipRunning, "skip-running", false, "leave out what is measured with servers that run")
	flag.BoolVar(&o.skipSizes, "skip-sizes", false, "leave out what is measured with servers of no replicas")
	flag.BoolVar(&o.skip5000, "skip-5000", false, "leave out the third step of the sizes")
	flag.Parse()
	klog.SetOutput(os.Stderr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, o options) error {
	started := time.Now()
	o.edits = min(o.edits, o.servers/2)
	o.dead = max(o.dead, 2*time.Minute)
	bin := filepath.Join(o.dir, "bin")
	if err := measure.DurableBinaries(o.binDir, bin); err != nil {
		return err
	}
	o.binDir = bin
	b := &bench{options: o, started: started}
	first, later, err := b.bareObjects(1)
	if err != nil {
		return err
	}
	b.least = len(first[0]) + len(later[0])
	for _, part := range []struct {
		name string
		skip bool
		run  func(context.Context) error
	}{
		{"the same objects by a plain client", o.skipFloor, b.floor},
		{"servers that run", o.skipRunning, b.running},
		{"servers of no replicas", o.skipSizes, b.sizes},
	} {
		if part.skip {
			continue
		}
		b.progress("== %s", part.name)
		if err := part.run(ctx); err != nil {
			// What was measured until then took its time, too.
			fmt.Print(b.report())
			return fmt.Errorf("%s: %w (logs: %s)", part.name, err, o.dir)
		}
	}
	fmt.Printf("%d DittoServers, %d writers, %s/%s, %d processors, %s\n\n", o.servers, o.writers,
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), time.Since(started).Round(time.Second))
	fmt.Print(b.report())
	return nil
}

// bench is what was measured so far.
type bench struct {
	options options
	started time.Time

	flags   []string // of kube-controller-manager while servers run
	least   int      // writes that can make the objects of a server: one for each
	bare    *creation
	ours    *creation
	life    *life
	growing []size
}

// progress tells people how far it is, beside the tables.
func (b *bench) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%7s  %s\n", time.Since(b.started).Round(time.Second), fmt.Sprintf(format, args...))
}

// step runs one part of the work within the limit.
func (b *bench) step(ctx context.Context, what string, f func(context.Context) error) error {
	b.progress("%s", what)
	ctx, cancel := context.WithTimeout(ctx, b.options.limit)
	defer cancel()
	if err := f(ctx); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
