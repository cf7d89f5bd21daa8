// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
)

// write is a kind of request that changes one object.
type write struct {
	row string
	// of builds the request, which is not part of what is measured.
	of func(s *subject, name string) request
}

var (
	create = write{"create", func(s *subject, name string) request {
		return request{method: http.MethodPost, contentType: "application/json", body: s.manifest(name, plainSpec())}
	}}
	createWithSecrets = write{"create, naming two Secrets", func(s *subject, name string) request {
		return request{method: http.MethodPost, contentType: "application/json", body: s.manifest(name, specWithSecrets())}
	}}
	createWithOwnFields = write{"create, each with other fields of the pod", func(s *subject, name string) request {
		return request{method: http.MethodPost, contentType: "application/json", body: s.manifest(name, specOfItsOwn(name))}
	}}
	updateStatus = write{"patch of the status", func(_ *subject, name string) request {
		return request{method: http.MethodPatch, path: "/" + name + "/status", contentType: "application/merge-patch+json", body: status(name)}
	}}
	mergePatch = write{"merge patch of the spec", func(_ *subject, name string) request {
		return request{
			method: http.MethodPatch, path: "/" + name, contentType: "application/merge-patch+json",
			body: []byte(`{"spec": {"podAnnotations": {"example.com/round": "two"}}}`),
		}
	}}
	labelPatch = write{"merge patch of a label", func(_ *subject, name string) request {
		return request{
			method: http.MethodPatch, path: "/" + name, contentType: "application/merge-patch+json",
			body: []byte(`{"metadata": {"labels": {"round": "two"}}}`),
		}
	}}
	apply = write{"server-side apply", func(s *subject, name string) request {
		return request{
			method: http.MethodPatch, path: "/" + name + "?fieldManager=bench&force=true", contentType: "application/apply-patch+yaml",
			body: s.manifest(name, plainSpec()),
		}
	}}
)

// writes sends one write for each name to each subject, batch by batch in turns.
func (b *bench) writes(ctx context.Context, kind write, names []string) error {
	elapsed := make([]time.Duration, len(b.subjects))
	latencies := make([][]time.Duration, len(b.subjects))
	turn := 0
	for batch := range slices.Chunk(names, b.options.batch) {
		for i := range b.subjects {
			i = (i + turn) % len(b.subjects)
			took, each, err := b.batch(ctx, b.subjects[i], kind, batch)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", b.subjects[i].name, kind.row, err)
			}
			elapsed[i] += took
			latencies[i] = append(latencies[i], each...)
		}
		turn++
	}
	rate, middle, tail := row{name: kind.row, unit: "/s", more: true}, row{name: kind.row + ", p50", unit: "ms"}, row{name: kind.row + ", p99", unit: "ms"}
	for i := range b.subjects {
		rate.values = append(rate.values, float64(len(names))/elapsed[i].Seconds())
		middle.values = append(middle.values, measure.Milliseconds(measure.Quantile(latencies[i], .5)))
		tail.values = append(tail.values, measure.Milliseconds(measure.Quantile(latencies[i], .99)))
	}
	b.table.add(rate, middle, tail)
	return nil
}

// batch sends a request for each name, with so many in flight as there are writers.
func (b *bench) batch(ctx context.Context, s *subject, kind write, names []string) (time.Duration, []time.Duration, error) {
	requests := make([]request, len(names))
	for i, name := range names {
		requests[i] = kind.of(s, name)
	}
	latencies := make([]time.Duration, len(names))
	started := time.Now()
	err := measure.Each(b.options.writers, len(names), func(i int) error {
		sent := time.Now()
		_, err := s.send(ctx, requests[i])
		latencies[i] = time.Since(sent)
		return err
	})
	return time.Since(started), latencies, err
}

// warmUp lets every connection, cache and schema be there before anything is measured.
func (b *bench) warmUp(ctx context.Context) error {
	for _, s := range b.subjects {
		for _, kind := range []write{create, updateStatus, mergePatch, apply} {
			if _, _, err := b.batch(ctx, s, kind, measure.Names("warm", 2*b.options.writers)); err != nil {
				return fmt.Errorf("%s, %s: %w", s.name, kind.row, err)
			}
		}
		if _, err := s.send(ctx, request{method: http.MethodDelete, path: ""}); err != nil {
			return fmt.Errorf("%s, delete: %w", s.name, err)
		}
	}
	return nil
}
