// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

// life is what servers cost that run.
type life struct {
	resident, heap float64 // bytes of our process
	rest, dead     quiet
	dying          quiet // the first minute with dead dfs APIs
	edits, secrets []time.Duration
}

// install is our server in a host cluster, and what follows it.
type install struct {
	*host
	server *controlplane.DittoFS
	dfs    *controlplane.StandIn
	follow *trackers
	audit  *auditLog
}

// running creates servers that run and looks at everything that becomes of them.
func (b *bench) running(ctx context.Context) (err error) {
	h, err := b.startHost(ctx, "running", b.options.controllerQPS)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Stop()) }()
	b.flags = h.clientFlags()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	i, err := b.install(ctx, h, true, serverReady)
	if err != nil {
		return err
	}
	if err := b.profiled(ctx, i, "create", func() error { return b.createAll(ctx, i) }); err != nil {
		return err
	}
	b.life = &life{}
	for _, part := range []struct {
		what string
		run  func(context.Context, *install) error
	}{
		{"at rest", b.atRest},
		{"edits", b.edits},
		{"changes of Secrets", b.rotations},
		{"wait for the rollouts", b.awaitRollouts},
		{"dead dfs APIs", b.deadAPIs},
	} {
		if err := b.step(ctx, part.what, func(ctx context.Context) error { return part.run(ctx, i) }); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) install(ctx context.Context, h *host, standIn bool, server func(any) string) (*install, error) {
	i := &install{host: h, audit: followAudit(ctx, h.AuditLogPath)}
	var err error
	if i.server, i.dfs, err = b.installDittoFS(ctx, h, standIn); err != nil {
		return nil, err
	}
	i.follow, err = h.follow(ctx, server)
	return i, err
}

func (b *bench) profiled(ctx context.Context, i *install, name string, step func() error) error {
	return measure.Profiled(ctx, i.server.DirectConfig(), b.options.profileDir, name, step)
}

// createAll creates the servers at once and waits until all of them are Ready.
func (b *bench) createAll(ctx context.Context, i *install) error {
	before, err := i.look(ctx)
	if err != nil {
		return err
	}
	b.ours = &creation{}
	started := time.Now()
	err = b.step(ctx, "create the servers", func(ctx context.Context) error {
		if err := b.createServers(ctx, i, 0, b.options.servers, nil); err != nil {
			return err
		}
		sets, all, err := i.follow.awaitObjects(ctx, b.options.servers)
		b.ours.sets, b.ours.objects = sets.Sub(started), all.Sub(started)
		return err
	})
	if err != nil {
		return err
	}
	err = b.step(ctx, "wait until they are Ready", func(ctx context.Context) error {
		pods, err := i.follow.pods.await(ctx, b.options.servers)
		if err != nil {
			return err
		}
		last, err := i.follow.servers.await(ctx, b.options.servers)
		b.ours.pods, b.ours.ready = pods.Sub(started), last.Sub(started)
		return err
	})
	if err != nil {
		return err
	}
	// Events are sent a moment later, and belong to it.
	b.progress("settle for %s", b.options.settle)
	if err := pass(ctx, b.options.settle); err != nil {
		return err
	}
	after, err := i.look(ctx)
	if err != nil {
		return err
	}
	spent := after.minus(before)
	b.ours.requests, b.ours.statusWrites, b.ours.reconciles, b.ours.cpu = spent.requests, spent.statusWrites, spent.servers, spent.cpu
	return nil
}

// createServers creates the DittoServers from one number to another, through the aggregator as users do.
func (b *bench) createServers(ctx context.Context, i *install, from, to int, change func(*dittofsv1alpha1.DittoServer)) error {
	sample, err := b.sample()
	if err != nil {
		return err
	}
	names := measure.Names("server", to)[from:]
	return measure.Each(b.options.writers, len(names), func(n int) error {
		server := sample.DeepCopy()
		server.Name = names[n]
		if change != nil {
			change(server)
		}
		_, err := i.servers.DittofsV1alpha1().DittoServers(namespace).Create(ctx, server, metav1.CreateOptions{})
		return err
	})
}

// look is what our server has done and used until now.
type look struct {
	at                  time.Time
	requests            map[request]int
	servers, probes     float64 // reconciles of the two loops
	statusWrites, cpu   float64
	resident, allocated float64
}

func (i *install) look(ctx context.Context) (look, error) {
	metrics, err := measure.Scrape(ctx, i.server.DirectConfig())
	if err != nil {
		return look{}, err
	}
	requests, err := i.audit.read()
	return look{
		at: time.Now(), requests: requests,
		servers:      metrics.Sum("controller_runtime_reconcile_total", `controller="dittoserver"`),
		probes:       metrics.Sum("controller_runtime_reconcile_total", `controller="dfs-probe"`),
		statusWrites: metrics.Sum("apiserver_request_total", `resource="dittoservers"`, `subresource="status"`, `verb="PUT"`),
		cpu:          metrics.Sum("process_cpu_seconds_total"),
		resident:     metrics.Sum("process_resident_memory_bytes"),
		allocated:    metrics.Sum("go_memstats_alloc_bytes_total"),
	}, err
}

// minus is what came after an earlier look. The memory is as it is now.
func (l look) minus(earlier look) look {
	l.requests = since(earlier.requests, l.requests)
	l.servers -= earlier.servers
	l.probes -= earlier.probes
	l.statusWrites -= earlier.statusWrites
	l.cpu -= earlier.cpu
	l.allocated -= earlier.allocated
	return l
}

// pass lets time go by.
func pass(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
