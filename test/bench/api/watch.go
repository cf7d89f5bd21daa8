// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
)

// pause is between two writes, so that none waits for the one before.
const pause = 10 * time.Millisecond

// touch changes the status, as controllers do: nothing is looked up for that.
var touch = write{"patch of the status", func(_ *subject, name string) request {
	return request{
		method: http.MethodPatch, path: "/" + name + "/status", contentType: "application/merge-patch+json",
		body: fmt.Appendf(nil, `{"status": {"configHash": "%d"}}`, time.Now().UnixNano()),
	}
}}

// watches measures how long a write takes, from before it is sent until its event
// is there, by a watch that is told about everything in the namespace.
func (b *bench) watches(ctx context.Context) error {
	const rounds = 5
	for _, kind := range []struct {
		write
		event, prefix string
	}{{create, "ADDED", "watched-%d"}, {touch, "MODIFIED", "server"}} {
		latencies := make([][]time.Duration, len(b.subjects))
		for round := range rounds {
			prefix := kind.prefix
			if kind.event == "ADDED" {
				prefix = fmt.Sprintf(prefix, round)
			}
			names := measure.Names(prefix, b.options.events/rounds)
			for i := range b.subjects {
				i = (i + round) % len(b.subjects)
				each, err := b.watch(ctx, b.subjects[i], kind.write, kind.event, names)
				if err != nil {
					return fmt.Errorf("%s, watch: %w", b.subjects[i].name, err)
				}
				latencies[i] = append(latencies[i], each...)
			}
		}
		middle, tail := row{name: kind.row + " to event, p50", unit: "ms"}, row{name: kind.row + " to event, p99", unit: "ms"}
		for i := range b.subjects {
			middle.values = append(middle.values, measure.Milliseconds(measure.Quantile(latencies[i], .5)))
			tail.values = append(tail.values, measure.Milliseconds(measure.Quantile(latencies[i], .99)))
		}
		b.table.add(middle, tail)
	}
	return nil
}

func (b *bench) watch(ctx context.Context, s *subject, kind write, event string, names []string) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	version, err := s.resourceVersion(ctx)
	if err != nil {
		return nil, err
	}
	response, err := s.open(ctx, request{method: http.MethodGet, path: "?watch=true&resourceVersion=" + version, accept: "application/json"})
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	events := json.NewDecoder(response.Body)
	arrived := make(map[string]time.Time, len(names))
	done := make(chan error, 1)
	go func() { done <- follow(events, event, arrived, len(names)) }()

	sent := make(map[string]time.Time, len(names))
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for _, name := range names {
		<-ticker.C
		r := kind.of(s, name)
		sent[name] = time.Now()
		if _, err := s.send(ctx, r); err != nil {
			return nil, err
		}
	}
	if err := <-done; err != nil {
		return nil, err
	}
	var latencies []time.Duration
	for name, at := range sent {
		latencies = append(latencies, arrived[name].Sub(at))
	}
	return latencies, nil
}

// follow notes when each object had an event of a type, until so many had.
func follow(events *json.Decoder, wanted string, arrived map[string]time.Time, count int) error {
	for len(arrived) < count {
		var event struct {
			Type   string
			Object struct {
				Metadata struct{ Name string }
			}
		}
		if err := events.Decode(&event); err != nil {
			return fmt.Errorf("the watch ended after %d of %d events: %w", len(arrived), count, err)
		}
		if event.Type == wanted {
			arrived[event.Object.Metadata.Name] = time.Now()
		}
	}
	return nil
}

func (s *subject) resourceVersion(ctx context.Context) (string, error) {
	response, err := s.open(ctx, request{method: http.MethodGet, path: "?limit=1", accept: "application/json"})
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var list struct {
		Metadata struct{ ResourceVersion string }
	}
	return list.Metadata.ResourceVersion, json.NewDecoder(response.Body).Decode(&list)
}
