// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsclient "github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned"
)

// load is a writer and readers for each way into our API: by way of the aggregator, and straight to our Service, as a
// controller beside us could.
type load struct {
	ways    []string
	clients []dittofsclient.Interface
	writers []*writer
	readers []*reader
}

func (p *production) startLoad(ctx context.Context) (*load, error) {
	direct, err := p.directClient(ctx)
	if err != nil {
		return nil, err
	}
	l := &load{ways: []string{"by the aggregator", "direct"}, clients: []dittofsclient.Interface{p.dittofs, direct}}
	return l, l.start(ctx, nil)
}

// start begins to read and write. kept are the acknowledged writes that a restored store must have.
func (l *load) start(ctx context.Context, kept [][]string) error {
	l.writers, l.readers = nil, nil
	for i, client := range l.clients {
		reader, err := startReader(ctx, client)
		if err != nil {
			return err
		}
		l.readers = append(l.readers, reader)
		var names []string
		if kept != nil {
			names = kept[i]
		}
		l.writers = append(l.writers, resumeWriter(context.WithoutCancel(ctx), client, fmt.Sprintf("write-%d-", i), names))
	}
	return nil
}

func (l *load) end() {
	l.endWrites()
	for _, r := range l.readers {
		r.end()
	}
}

func (l *load) endWrites() {
	for _, w := range l.writers {
		w.end()
	}
}

func (l *load) resumeWrites(ctx context.Context) {
	for i, w := range l.writers {
		resumed := resumeWriter(context.WithoutCancel(ctx), w.client, w.prefix, w.names())
		resumed.mu.Lock()
		resumed.failed += w.failed
		for kind, n := range w.told {
			resumed.told[kind] += n
		}
		resumed.mu.Unlock()
		l.writers[i] = resumed
	}
}

func (l *load) names() [][]string {
	names := make([][]string, len(l.writers))
	for i, w := range l.writers {
		names[i] = w.names()
	}
	return names
}

// verify is the part of the check that is about writes: none lost, none told twice, by any way.
func (l *load) verify(ctx context.Context) error {
	var errs []error
	for _, w := range l.writers {
		errs = append(errs, w.verify(ctx))
		for j, r := range l.readers {
			if err := r.verify(w.names()); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", l.ways[j], err))
			}
		}
	}
	return errors.Join(errs...)
}

// seen is what reads and writes went through during something, by way.
type seen struct {
	reads, failedReads, writes, failedWrites int
	slowest, outage                          time.Duration
	first                                    error
	told                                     failures // of the writes
}

func (l *load) mark() {
	for i := range l.writers {
		l.writers[i].mark()
		r := l.readers[i]
		r.mu.Lock()
		r.slowest, r.first = 0, nil
		r.mu.Unlock()
	}
}

func (l *load) totals() []seen {
	all := make([]seen, len(l.writers))
	for i := range l.writers {
		w, r := l.writers[i], l.readers[i]
		w.mu.Lock()
		r.mu.Lock()
		all[i] = seen{reads: r.reads, failedReads: r.failed, slowest: r.slowest, first: r.first,
			writes: len(w.acknowledged), failedWrites: w.failed, outage: w.outage, told: maps.Clone(w.told)}
		if all[i].first == nil {
			all[i].first = w.last
		}
		r.mu.Unlock()
		w.mu.Unlock()
	}
	return all
}

// during does something and tells what the load has seen meanwhile. With strict, no read may fail.
func (l *load) during(strict bool, do func() (string, error)) (string, error) {
	before := l.totals()
	l.mark()
	detail, err := do()
	if err != nil {
		return detail, err
	}
	var words []string
	if detail != "" {
		words = append(words, detail)
	}
	for i, now := range l.totals() {
		reads, failedReads := now.reads-before[i].reads, now.failedReads-before[i].failedReads
		writes, failedWrites := now.writes-before[i].writes, now.failedWrites-before[i].failedWrites
		text := fmt.Sprintf("%s: %d of %d reads failed (slowest %.1f s)", l.ways[i], failedReads, reads, now.slowest.Seconds())
		if writes+failedWrites > 0 {
			text += fmt.Sprintf(", %d of %d writes failed", failedWrites, writes+failedWrites)
		}
		if failedWrites > 0 {
			text += fmt.Sprintf(" (%s; for %.1f s at most)", now.told, now.outage.Seconds())
		}
		words = append(words, text)
		if strict && failedReads > 0 {
			err = errors.Join(err, fmt.Errorf("%s; the first: %w", text, now.first))
		}
	}
	return strings.Join(words, "; "), err
}

// directClient asks our Service itself: kube-proxy takes it to a replica, for as long as a connection lasts.
func (p *production) directClient(ctx context.Context) (dittofsclient.Interface, error) {
	config, err := p.directConfig(ctx)
	if err != nil {
		return nil, err
	}
	return dittofsclient.NewForConfig(config)
}

func (p *production) directConfig(ctx context.Context) (*rest.Config, error) {
	service, authority := &corev1.Service{}, &corev1.Secret{}
	if err := p.plane.Client().Get(ctx, client.ObjectKey{Namespace: systemNamespace, Name: serverName}, service); err != nil {
		return nil, err
	}
	if err := p.plane.Client().Get(ctx, client.ObjectKey{Namespace: systemNamespace, Name: serverName + "-authority"}, authority); err != nil {
		return nil, err
	}
	config := rest.CopyConfig(p.plane.AdminConfig())
	config.Host = "https://" + service.Spec.ClusterIP
	config.CAData = authority.Data["ca.crt"]
	config.ServerName = serverName + "." + systemNamespace + ".svc"
	return config, nil
}
