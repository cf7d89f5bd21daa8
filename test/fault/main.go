// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Command fault kills our server, and members of its etcd, again and again while clients write and watch, and then checks
// what they were told.
// In: a local control plane. Out: a table, and exit code 1 if a history is not linearizable or a watch missed or repeated an
// event. It shows what a restart does. Processes are killed, not machines: nothing here is about power that fails.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"k8s.io/klog/v2"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

type options struct {
	binDir, repoDir, dir    string
	kills, writers, objects int
	seed                    uint64
	limit                   time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.binDir, "bin-dir", ".local/bin", "directory with the binaries that make local-binaries builds")
	flag.StringVar(&o.repoDir, "repo-dir", ".", "root of the repository, for the manifests that users install")
	flag.StringVar(&o.dir, "dir", ".local/fault", "directory for data and logs")
	flag.IntVar(&o.kills, "kills", 30, "kills in each of the two parts: with the embedded etcd, and with an external one of three members")
	flag.IntVar(&o.writers, "writers", 6, "clients that write at the same time")
	flag.IntVar(&o.objects, "objects", 4, "objects that are written to at the same time")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "seed of what is done; when it is done depends on the machine")
	flag.DurationVar(&o.limit, "check-limit", time.Minute, "time that the check of one object may take; longer is a failure")
	flag.Parse()
	klog.SetOutput(os.Stderr)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "fault:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called
	}
}

func run(ctx context.Context, o options) (err error) {
	if err := controlplane.Reap(ctx, o.dir); err != nil {
		return err
	}
	plane, err := controlplane.Start(ctx, controlplane.Options{Dir: o.dir, BinDir: o.binDir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, plane.Stop()) }()
	random := rand.New(rand.NewPCG(o.seed, 0))
	var results []*result
	for _, part := range []func(context.Context, options, *controlplane.ControlPlane, *rand.Rand) (*result, error){embedded, external} {
		r, err := part(ctx, o, plane, random)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	fmt.Printf("seed %d, %d writers, %d objects at a time\n\n", o.seed, o.writers, o.objects)
	fmt.Print(table(results))
	var problems []error
	for _, r := range results {
		for _, p := range r.problems {
			problems = append(problems, fmt.Errorf("%s: %s", r.name, p))
		}
	}
	return errors.Join(problems...)
}

// embedded kills our server, and with it its etcd.
func embedded(ctx context.Context, o options, plane *controlplane.ControlPlane, random *rand.Rand) (*result, error) {
	data := filepath.Join(o.dir, "embedded")
	// What an earlier run has left would be writes that nobody knows of.
	if err := os.RemoveAll(data); err != nil {
		return nil, err
	}
	server, err := plane.InstallDittoFS(ctx, controlplane.DittoFSOptions{
		RepoDir: o.repoDir, DataDir: data, ExtraArgs: []string{"--controllers=-*", "--accept-store"},
	})
	if err != nil {
		return nil, err
	}
	p := &part{options: o, server: server, random: random, result: result{name: "embedded etcd"}}
	p.faults = []fault{{"server", p.killServer}}
	r, err := p.run(ctx)
	return r, errors.Join(err, server.Stop())
}

// external kills our server, the leader of its etcd, or any member.
func external(ctx context.Context, o options, plane *controlplane.ControlPlane, random *rand.Rand) (_ *result, err error) {
	store, err := startEtcd(ctx, filepath.Join(o.binDir, "etcd"), filepath.Join(o.dir, "external"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.stop()) }()
	args := []string{"--controllers=-*", "--accept-store"}
	for _, endpoint := range store.endpoints() {
		args = append(args, "--etcd-servers="+endpoint)
	}
	server, err := plane.InstallDittoFS(ctx, controlplane.DittoFSOptions{RepoDir: o.repoDir, ExtraArgs: args})
	if err != nil {
		return nil, err
	}
	p := &part{options: o, server: server, random: random, result: result{name: "external etcd, 3 members"}}
	p.faults = []fault{
		{"server", p.killServer},
		{"etcd leader", func(ctx context.Context) error { return p.killMember(ctx, store, store.leader(ctx)) }},
		{"etcd member", func(ctx context.Context) error { return p.killMember(ctx, store, store.members[random.IntN(3)]) }},
	}
	r, err := p.run(ctx)
	return r, errors.Join(err, server.Stop())
}
