// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
)

// What is known of the DittoFS operator with 200 servers; empty where nothing is.
const (
	peerSets   = "17"
	peerReady  = "110"
	peerMemory = "80"
	peerPasses = "1800"
)

const none = "–"

// report is everything that was measured.
func (b *bench) report() string {
	var out strings.Builder
	if len(b.flags) > 0 {
		fmt.Fprintf(&out, "kube-controller-manager: %s\n\n", strings.Join(b.flags, " "))
	}
	if b.bare != nil || b.ours != nil {
		out.WriteString(measure.Table(2, []string{"measured", "unit", "plain client", "ours", "ratio", "DittoFS operator"}, b.creationRows()))
		out.WriteString("\n")
	}
	if b.ours != nil && b.ours.requests != nil {
		out.WriteString(measure.Table(2, []string{"request of our server", "answer", "per server"}, b.requestRows()))
		out.WriteString("\n")
	}
	if b.life != nil && b.life.heap > 0 {
		out.WriteString(measure.Table(2, []string{"measured", "unit", "ours", "DittoFS operator"}, b.lifeRows()))
		out.WriteString("\n")
	}
	if len(b.growing) > 0 {
		header := []string{"each server of no replicas costs", "unit"}
		for _, s := range b.growing {
			header = append(header, fmt.Sprintf("%d to %d", s.from+1, s.to))
		}
		out.WriteString(measure.Table(2, header, b.sizeRows()))
	}
	return out.String()
}

func (b *bench) creationRows() (rows [][]string) {
	add := func(name, peer string, of func(*creation) time.Duration) {
		cells := []string{name, "s", none, none, none, peer}
		if b.bare != nil && of(b.bare) > 0 {
			cells[2] = measure.Number(of(b.bare).Seconds())
		}
		if b.ours != nil && of(b.ours) > 0 {
			cells[3] = measure.Number(of(b.ours).Seconds())
			if b.bare != nil && of(b.bare) > 0 {
				cells[4] = fmt.Sprintf("**%.2f**", of(b.ours).Seconds()/of(b.bare).Seconds())
			}
		}
		rows = append(rows, cells)
	}
	add("all StatefulSets are there", peerSets, func(c *creation) time.Duration { return c.sets })
	add("all objects are there", none, func(c *creation) time.Duration { return c.objects })
	add("all pods are Ready", none, func(c *creation) time.Duration { return c.pods })
	add("all servers are Ready; the pods, of the plain client", peerReady, func(c *creation) time.Duration {
		if c.ready > 0 {
			return c.ready
		}
		return c.pods
	})
	return rows
}

// requestRows are what a server costs the host cluster until it is Ready, the most frequent first.
func (b *bench) requestRows() (rows [][]string) {
	perServer := func(n float64) string { return measure.Number(n / float64(b.options.servers)) }
	counts := b.ours.requests
	writes := sum(counts, func(r request) bool { return r.isWrite() && !isLease(r) && !isEvent(r) })
	rows = append(rows,
		[]string{"writes of objects, all", "", perServer(float64(writes))},
		[]string{"the least that there can be", "", fmt.Sprint(b.least)},
		[]string{"writes of the status, in our own store", "", perServer(b.ours.statusWrites)},
		[]string{"passes of the controller", "", perServer(b.ours.reconciles)},
		[]string{"processor time of our process, ms", "", perServer(1000 * b.ours.cpu)},
	)
	var kinds []request
	for r, n := range counts {
		// What does not come with each server is no cost of a server.
		if n >= b.options.servers/4 && !isLease(r) {
			kinds = append(kinds, r)
		}
	}
	slices.SortFunc(kinds, func(x, y request) int {
		return cmp.Or(cmp.Compare(counts[y], counts[x]), cmp.Compare(x.String(), y.String()))
	})
	for _, r := range kinds {
		answer := "done"
		if r.failed {
			answer = "refused or not found"
		}
		rows = append(rows, []string{r.String(), answer, perServer(float64(counts[r]))})
	}
	return rows
}

func (r request) String() string {
	if r.dryRun {
		return r.verb + " " + r.resource + ", dry run"
	}
	return r.verb + " " + r.resource
}

func (b *bench) lifeRows() (rows [][]string) {
	l := b.life
	add := func(name, unit, peer string, value float64) {
		rows = append(rows, []string{name, unit, measure.Number(value), peer})
	}
	perServer := func(n, minutes float64) float64 { return n / minutes / float64(b.options.servers) }
	add("resident memory: API, controllers and etcd", "MiB", peerMemory+" (controllers only)", l.resident/measure.Megabyte)
	add("live heap of the same", "MiB", none, l.heap/measure.Megabyte)
	add("writes at rest, but for the lease", "/min", none, float64(l.rest.writes)/l.rest.minutes)
	add("renewals of the lease", "/min", none, float64(l.rest.renewals)/l.rest.minutes)
	add("reads and reviews at rest", "/min", none, float64(l.rest.reads)/l.rest.minutes)
	add("writes of the status at rest", "/min", none, l.rest.statusWrites/l.rest.minutes)
	add("passes of the controller at rest, all servers", "/min", none, l.rest.servers/l.rest.minutes)
	add("looks of the probe at rest, each server", "/min", none, perServer(l.rest.probes, l.rest.minutes))
	add("processor time at rest, all servers", "ms/min", none, 1000*l.rest.cpu/l.rest.minutes)
	quantiles := func(name string, samples []time.Duration) {
		if len(samples) == 0 {
			return
		}
		add(name+", p50", "ms", none, measure.Milliseconds(measure.Quantile(samples, .5)))
		add(name+", p99", "ms", none, measure.Milliseconds(measure.Quantile(samples, .99)))
	}
	quantiles("edit to StatefulSet", l.edits)
	quantiles("change of the JWT Secret to StatefulSet", l.secrets)
	if l.dead.minutes > 0 {
		add("passes with a dead dfs API, each server, in the first minute", "/min", peerPasses, perServer(l.dying.servers, l.dying.minutes))
		add("the same, after it", "/min", peerPasses, perServer(l.dead.servers, l.dead.minutes))
		add("looks of the probe, each server, in the first minute", "/min", none, perServer(l.dying.probes, l.dying.minutes))
		add("the same, after it", "/min", none, perServer(l.dead.probes, l.dead.minutes))
		add("writes to the host meanwhile, each server, in the first minute", "/min", none, perServer(float64(l.dying.writes), l.dying.minutes))
		add("the same, after it", "/min", none, perServer(float64(l.dead.writes), l.dead.minutes))
	}
	return rows
}

func (b *bench) sizeRows() (rows [][]string) {
	add := func(name, unit string, of func(size) float64) {
		cells := []string{name, unit}
		for _, s := range b.growing {
			cells = append(cells, measure.Number(of(s)))
		}
		rows = append(rows, cells)
	}
	each := func(of func(size) float64) func(size) float64 {
		return func(s size) float64 { return of(s) / float64(s.to-s.from) }
	}
	add("time until its objects are there", "ms", each(func(s size) float64 { return measure.Milliseconds(s.objects) }))
	add("processor time of our process", "ms", each(func(s size) float64 { return 1000 * s.spent.cpu }))
	add("allocations", "MiB", each(func(s size) float64 { return s.spent.allocated / measure.Megabyte }))
	add("writes of objects to the host", "", each(func(s size) float64 {
		return float64(sum(s.spent.requests, func(r request) bool { return r.isWrite() && !isLease(r) && !isEvent(r) }))
	}))
	add("events", "", each(func(s size) float64 { return float64(sum(s.spent.requests, isEvent)) }))
	add("reads and reviews", "", each(func(s size) float64 {
		return float64(sum(s.spent.requests, func(r request) bool { return !r.isWrite() }))
	}))
	add("writes of the status", "", each(func(s size) float64 { return s.spent.statusWrites }))
	add("passes of the controller", "", each(func(s size) float64 { return s.spent.servers }))
	add("**with so many:** resident memory", "MiB", func(s size) float64 { return s.resident / measure.Megabyte })
	add("live heap", "MiB", func(s size) float64 { return s.heap / measure.Megabyte })
	add("processor time at rest", "ms/min", func(s size) float64 { return 1000 * s.rest.cpu / s.rest.minutes })
	return rows
}
