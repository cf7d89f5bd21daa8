// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	clients "github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned/typed/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

// fault is one way to break something, which is whole again when it returns.
type fault struct {
	name string
	do   func(context.Context) error
}

// part is one run of kills over one kind of store.
type part struct {
	options options
	server  *controlplane.DittoFS
	random  *rand.Rand
	faults  []fault

	history *history
	result  result
}

// result is what a part has found.
type result struct {
	name                    string
	kills                   map[string]int
	counts                  map[outcome]int
	objects                 int
	events, sessions        int
	away                    []time.Duration // from a kill until operations are done again
	checked                 time.Duration
	linearizable, undecided int
	problems                []string
}

const (
	// between is how many operations are answered between two kills, so that there is something to lose.
	between = 120
	// watchers follow at the same time.
	watchers = 3
)

func (p *part) run(ctx context.Context) (*result, error) {
	classes, err := direct(p.server.DirectConfig())
	if err != nil {
		return nil, err
	}
	p.history, p.result.kills = newHistory(), map[string]int{}
	working, stop := context.WithCancel(ctx)
	defer stop()
	var work sync.WaitGroup
	following := make([]*follower, watchers)
	for i := range following {
		// A connection of its own: a client keeps one for all of its requests.
		own, err := direct(p.server.DirectConfig())
		if err != nil {
			return nil, err
		}
		following[i] = &follower{classes: own}
		work.Go(func() { following[i].run(working) })
	}
	shared := &objects{history: p.history, names: make([]string, p.options.objects)}
	values := &atomic.Int64{}
	writing, finish := context.WithCancel(ctx)
	defer finish()
	var writers sync.WaitGroup
	for i := range p.options.writers {
		w := &writer{id: i, classes: classes, history: p.history, objects: shared, values: values, random: rand.New(rand.NewPCG(p.options.seed, uint64(i+1)))}
		writers.Go(func() { w.run(writing) })
	}
	if err := p.killAll(ctx); err != nil {
		return nil, err
	}
	finish()
	writers.Wait()
	err = p.settle(ctx, classes, following)
	stop()
	work.Wait()
	if err != nil {
		return nil, err
	}
	p.judge(following)
	return &p.result, nil
}

func (p *part) killAll(ctx context.Context) error {
	for n := range p.options.kills {
		if err := p.progress(ctx, between); err != nil {
			return fmt.Errorf("before kill %d: %w", n+1, err)
		}
		delay := time.Duration(p.random.IntN(200)) * time.Millisecond
		select { // not always at the same place
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(delay):
		}
		f := p.faults[n%len(p.faults)]
		began := time.Now()
		whole := make(chan error, 1)
		go func() { whole <- f.do(ctx) }()
		// More than can have been on their way when it was killed.
		err := p.progress(ctx, p.options.writers+1)
		took := time.Since(began)
		if err = errors.Join(<-whole, err); err != nil {
			return fmt.Errorf("kill %d, %s: %w", n+1, f.name, err)
		}
		p.result.away = append(p.result.away, took)
		p.result.kills[f.name]++
		fmt.Fprintf(os.Stderr, "%s: kill %d of %d (%s), %d operations done\n", p.result.name, n+1, p.options.kills, f.name, p.history.answered())
	}
	return p.progress(ctx, between)
}

// progress waits until so many more operations are done.
func (p *part) progress(ctx context.Context, n int) error {
	want := p.history.answered() + n
	err := wait.PollUntilContextTimeout(ctx, 5*time.Millisecond, 3*time.Minute, true, func(context.Context) (bool, error) {
		return p.history.answered() >= want, nil
	})
	if err != nil {
		return fmt.Errorf("no write is done any more: %w", err)
	}
	return nil
}

func (p *part) killServer(ctx context.Context) error {
	p.server.Kill()
	return p.server.Start(ctx)
}

// killMember leaves two of three, which is enough, until it has come back.
func (p *part) killMember(ctx context.Context, store *etcd, m *controlplane.EtcdMember) error {
	m.Kill()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(p.random.IntN(1500)) * time.Millisecond):
	}
	return errors.Join(m.Start(), store.awaitAll(ctx))
}

// settle waits until every watcher has seen the end, and compares what they have with a list.
func (p *part) settle(ctx context.Context, classes clients.DittoServerClassInterface, following []*follower) error {
	// The last write of all, that each of them must see.
	if _, err := classes.Create(ctx, named("the-end", "end"), metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("the last write: %w", err)
	}
	defer func() { _ = classes.Delete(context.WithoutCancel(ctx), "the-end", metav1.DeleteOptions{}) }() // for the next part
	for i, f := range following {
		err := wait.PollUntilContextTimeout(ctx, 20*time.Millisecond, 2*time.Minute, true, func(context.Context) (bool, error) {
			values, _ := f.last()
			return values["the-end"] != "", nil
		})
		if err != nil {
			p.result.problems = append(p.result.problems, fmt.Sprintf("watcher %d never saw the last write", i))
		}
	}
	list, err := classes.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	stored := map[string]string{}
	for _, class := range list.Items {
		stored[class.Name] = class.Annotations[annotation]
	}
	for i, f := range following {
		values, touched := f.last()
		for object := range touched {
			if values[object] != stored[object] {
				p.result.problems = append(p.result.problems, fmt.Sprintf("watcher %d has %s at %q, the store at %q", i, object, values[object], stored[object]))
			}
		}
	}
	// The list is the last read of every object.
	called := p.history.now()
	for object := range p.history.written() {
		o := operation{kind: read, outcome: done, got: stored[object]}
		if o.got == "" {
			o.outcome = absent
		}
		p.history.add(-1, object, called, o)
	}
	return nil
}

func (p *part) judge(following []*follower) {
	written := p.history.written()
	for i, f := range following {
		events, problems := f.judge(written)
		p.result.events += events
		p.result.sessions += len(f.sessions)
		for _, problem := range problems {
			p.result.problems = append(p.result.problems, fmt.Sprintf("watcher %d: %s", i, problem))
		}
	}
	began := time.Now()
	for object, verdict := range p.history.check(p.options.limit) {
		p.result.objects++
		switch verdict {
		case porcupine.Ok:
			p.result.linearizable++
		case porcupine.Illegal:
			p.result.problems = append(p.result.problems, object+" has a history that is not linearizable")
		default:
			p.result.undecided++
			p.result.problems = append(p.result.problems, object+" has a history that could not be checked in time")
		}
	}
	p.result.checked, p.result.counts = time.Since(began), p.history.counts
}

// table is the result for people.
func table(results []*result) string {
	var rows [][]string
	add := func(what string, of func(*result) string) {
		row := []string{what}
		for _, r := range results {
			row = append(row, of(r))
		}
		rows = append(rows, row)
	}
	number := func(of func(*result) int) func(*result) string {
		return func(r *result) string { return fmt.Sprint(of(r)) }
	}
	header := []string{""}
	for _, r := range results {
		header = append(header, r.name)
	}
	add("kills", func(r *result) string {
		var parts []string
		for name, n := range r.kills {
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
		slices.Sort(parts)
		return strings.Join(parts, ", ")
	})
	add("operations done", number(func(r *result) int { return r.counts[done] }))
	add("refused for a reason", number(func(r *result) int { return r.counts[absent] + r.counts[exists] + r.counts[conflict] }))
	add("without an answer", number(func(r *result) int { return r.counts[unknown] }))
	add("objects", number(func(r *result) int { return r.objects }))
	add("**linearizable**", number(func(r *result) int { return r.linearizable }))
	add("events seen by 3 watchers", number(func(r *result) int { return r.events }))
	add("lists they began with, or had to", number(func(r *result) int { return r.sessions }))
	add("**lost writes, missed or repeated events, other histories**", number(func(r *result) int { return len(r.problems) }))
	add("kill until operations are done again, p50", func(r *result) string { return quantile(r.away, 0.5) })
	add("the same, longest", func(r *result) string { return quantile(r.away, 1) })
	return measure.Table(1, header, rows)
}

func quantile(of []time.Duration, q float64) string {
	if len(of) == 0 {
		return "–"
	}
	return measure.Quantile(of, q).Round(10 * time.Millisecond).String()
}
