// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
)

// offer is what the class and the namespace of a create ask of admission.
type offer struct {
	row    string
	class  string // none if empty
	quota  bool
	beside string // the row that it is compared with
}

const (
	bare    = "no class"
	charged = "no class, a ResourceQuota"
)

var offers = []offer{
	{row: bare},
	{row: "a class with limits", class: limitedClass, beside: bare},
	{row: "a class that limits the namespace too", class: countedClass, beside: bare},
	{row: charged, quota: true, beside: bare},
	{row: "such a class, and a ResourceQuota", class: countedClass, quota: true, beside: charged},
}

// spread is how creates are spread over namespaces.
type spread struct {
	title      string
	namespaces int
}

// series are the creates of one offer to one subject, in all of their namespaces.
type series struct {
	offer    offer
	way      int // which of bench.subjects
	subjects []*subject
	requests func(s *subject, name string) request

	turns     []time.Duration
	latencies []time.Duration
}

// classes measures what a class costs a create, in turns with creates that have none. It leaves the store large.
func (b *bench) classes(ctx context.Context) error {
	before, err := b.seriesOf(ctx, spread{"before", b.options.writers}, offers[:1])
	if err != nil {
		return err
	}
	if err := b.inTurns(ctx, before); err != nil {
		return err
	}
	if err := b.fill(ctx); err != nil {
		return err
	}
	for i, spread := range []spread{
		{"each writer in a namespace of its own", b.options.writers},
		{"all writers in one namespace", 1},
	} {
		all, err := b.seriesOf(ctx, spread, offers)
		if err != nil {
			return err
		}
		if err := b.profiled(ctx, fmt.Sprintf("classes-%d", i), func() error { return b.inTurns(ctx, all) }); err != nil {
			return err
		}
		table := classTable{title: spread.title, series: all}
		if i == 0 {
			table.before = before
		}
		b.classTables = append(b.classTables, table)
	}
	return nil
}

// seriesOf makes what they need, and lets each namespace, connection and answer about rights be known: for each offer
// those of each subject. The CRD has no classes.
func (b *bench) seriesOf(ctx context.Context, spread spread, offers []offer) ([]*series, error) {
	var all []*series
	for _, o := range offers {
		var ways []*series
		for way := range b.subjects {
			if o.class == "" || way > 0 {
				ways = append(ways, &series{offer: o, way: way})
			}
		}
		for range spread.namespaces {
			b.tenants++
			namespace := fmt.Sprintf("tenant-%d", b.tenants)
			if err := b.tenantNamespace(ctx, namespace, o); err != nil {
				return nil, err
			}
			for _, s := range ways {
				subject := *b.subjects[s.way]
				subject.namespace = namespace
				s.subjects = append(s.subjects, &subject)
			}
		}
		for _, s := range ways {
			spec := specOfClass(o.class)
			s.requests = func(to *subject, name string) request {
				return request{method: http.MethodPost, contentType: "application/json", body: to.manifest(name, spec)}
			}
			for _, to := range s.subjects {
				if err := b.accepted(ctx, to, s.requests(to, "warm-"+strings.ToLower(to.name))); err != nil {
					return nil, err
				}
			}
		}
		all = append(all, ways...)
	}
	return all, nil
}

// inTurns sends the creates of all series, batch by batch.
func (b *bench) inTurns(ctx context.Context, all []*series) error {
	// Short turns, so that noise meets all of them, and always in another order: each may leave something to do behind.
	order := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // nothing is secret about it
	for batch := range slices.Chunk(measure.Names("server", b.options.creates), 4*b.options.writers) {
		for _, i := range order.Perm(len(all)) {
			s := all[i]
			if err := b.creates(ctx, s, batch); err != nil {
				return fmt.Errorf("creates with %s, %s: %w", s.offer.row, s.subjects[0].name, err)
			}
		}
	}
	return nil
}

// creates is one batch of a series; its namespaces take turns too.
func (b *bench) creates(ctx context.Context, s *series, names []string) error {
	requests := make([]request, len(names))
	for i, name := range names {
		to := s.subjects[i%len(s.subjects)]
		requests[i] = s.requests(to, name+"-"+strings.ToLower(to.name))
	}
	latencies := make([]time.Duration, len(names))
	started := time.Now()
	err := measure.Each(b.options.writers, len(names), func(i int) error {
		sent := time.Now()
		_, err := s.subjects[i%len(s.subjects)].send(ctx, requests[i])
		latencies[i] = time.Since(sent)
		return err
	})
	s.turns = append(s.turns, time.Since(started))
	s.latencies = append(s.latencies, latencies...)
	return err
}
