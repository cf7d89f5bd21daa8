// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command api measures the API of DittoServers beside the same objects as a custom
// resource, in one kube-apiserver, at one time and on one disk. In: the binaries of
// `make local-binaries`. Out: a table in Markdown with the ratios. Nothing outlives it
// but logs and profiles; no controller runs meanwhile.
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

	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
)

// options are the flags.
type options struct {
	binDir, repoDir, dir, profileDir string

	objects, batch, writers, lists, events int
	classes, servers, creates              int
	tenant, onlyClasses                    bool
}

func main() {
	var o options
	flag.StringVar(&o.binDir, "bin-dir", ".local/bin", "directory with the binaries that make local-binaries builds")
	flag.StringVar(&o.repoDir, "repo-dir", ".", "root of the repository, for the manifests that users install")
	flag.StringVar(&o.dir, "dir", ".local/bench", "directory for data and logs; both stores are in it, so on one disk")
	flag.StringVar(&o.profileDir, "profile-dir", "", "directory for CPU profiles of our server while it creates and lists; empty: none")
	flag.IntVar(&o.objects, "objects", 2000, "objects of each subject")
	flag.IntVar(&o.batch, "batch", 200, "objects that one subject writes before it is the next one's turn")
	flag.IntVar(&o.writers, "writers", 8, "requests in flight while writing")
	flag.IntVar(&o.lists, "lists", 15, "lists of each kind")
	flag.IntVar(&o.events, "events", 500, "creates that the latency of a watch is measured with")
	flag.IntVar(&o.classes, "classes", 1000, "DittoServerClasses that are stored when the cost of a class is measured; 0 leaves this out")
	flag.IntVar(&o.servers, "servers", 10000, "DittoServers that are stored then")
	flag.IntVar(&o.creates, "creates", 800, "creates of each kind then")
	flag.BoolVar(&o.onlyClasses, "only-classes", false, "measure the cost of a class only")
	flag.BoolVar(&o.tenant, "tenant", false, "measure as a user who has rights to the objects and to read Secrets only, instead of as one who may edit StatefulSets too, as the ClusterRole edit allows")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, o options) (err error) {
	started := time.Now()
	b, err := start(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := b.plane.Stop(); err == nil {
			err = stopErr
		}
	}()
	if err := b.measure(ctx); err != nil {
		return fmt.Errorf("%w (logs: %s)", err, filepath.Join(o.dir, "logs"))
	}
	user := "a user with the rights of the ClusterRole edit"
	if o.tenant {
		user = "a user with rights to the objects and to read Secrets only"
	}
	fmt.Printf("%d writers, %s, %s/%s, %d processors, %s\n\n", o.writers,
		user, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), time.Since(started).Round(time.Second))
	if len(b.table.rows) > 0 {
		fmt.Printf("%d objects of %d bytes each\n\n%s", o.objects, b.objectBytes, b.table.markdown())
	}
	for _, table := range b.classTables {
		fmt.Printf("\n%d classes and %d servers are stored, %d creates of each kind\n\n%s", o.classes, o.servers, o.creates, table.markdown())
	}
	return nil
}

// measure fills the tables. Within each step the subjects take turns, so that
// whatever else the machine does meets all of them.
func (b *bench) measure(ctx context.Context) error {
	if err := b.warmUp(ctx); err != nil {
		return err
	}
	if !b.options.onlyClasses {
		if err := b.besideCRD(ctx); err != nil {
			return err
		}
	}
	if b.options.classes == 0 {
		return nil
	}
	return b.classes(ctx)
}

// besideCRD fills the first table.
func (b *bench) besideCRD(ctx context.Context) error {
	before, err := b.memory(ctx)
	if err != nil {
		return err
	}
	names := measure.Names("server", b.options.objects)
	if err := b.profiled(ctx, "create", func() error { return b.writes(ctx, create, names) }); err != nil {
		return err
	}
	for _, kind := range []write{updateStatus, labelPatch, mergePatch, apply} {
		if err := b.writes(ctx, kind, names); err != nil {
			return err
		}
	}
	after, err := b.memory(ctx)
	if err != nil {
		return err
	}
	b.addMemory(before, after)
	if err := b.profiled(ctx, "list", func() error { return b.lists(ctx) }); err != nil {
		return err
	}
	if err := b.writes(ctx, createWithSecrets, measure.Names("secrets", b.options.objects/4)); err != nil {
		return err
	}
	if err := b.writes(ctx, createWithOwnFields, measure.Names("fields", b.options.objects/4)); err != nil {
		return err
	}
	return b.watches(ctx)
}

// profiled takes a CPU profile of our server while a step runs, if one is wanted.
func (b *bench) profiled(ctx context.Context, name string, step func() error) error {
	return measure.Profiled(ctx, b.server.DirectConfig(), b.options.profileDir, name, step)
}
