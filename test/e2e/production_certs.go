// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// rotateForAll asks for a new authority while somebody reads and writes by the aggregator, which must not notice. Who asks our
// Service itself has to be told of the new authority, and is afterwards.
func (p *production) rotateForAll(ctx context.Context) (string, error) {
	names := p.load.names()
	p.load.end()
	aggregated := &load{ways: p.load.ways[:1], clients: p.load.clients[:1]}
	if err := aggregated.start(ctx, names[:1]); err != nil {
		return "", err
	}
	detail, err := aggregated.during(true, func() (string, error) { return p.rotate(ctx) })
	if err == nil && aggregated.writers[0].failed != 0 {
		err = fmt.Errorf("%d writes failed, the last with: %w", aggregated.writers[0].failed, aggregated.writers[0].last)
	}
	aggregated.end()
	if err != nil {
		return detail, err
	}
	names[0] = aggregated.names()[0]
	if p.load.clients[1], err = p.directClient(ctx); err != nil {
		return detail, err
	}
	return detail, p.load.start(ctx, names)
}

func (p *production) rotate(ctx context.Context) (string, error) {
	page, err := p.open("runbooks.md", p.installed)
	if err != nil {
		return "", err
	}
	pods, err := p.podsOf(ctx, serverName)
	if err != nil {
		return "", err
	}
	old, err := p.issuers(ctx, pods)
	if err != nil {
		return "", err
	}
	began := time.Now()
	if err := page.follow(ctx, "new authority"); err != nil {
		return "", err
	}
	if err := eventually(ctx, func(ctx context.Context) error {
		now, err := p.issuers(ctx, pods)
		if err != nil {
			return err
		}
		if len(now) != 1 {
			return fmt.Errorf("the replicas show certificates of %d authorities", len(now))
		}
		for issuer := range now {
			if old[issuer] {
				return errors.New("the replicas show certificates of the old authority")
			}
		}
		return nil
	}); err != nil {
		return "", err
	}
	took := time.Since(began)
	after, err := p.podsOf(ctx, serverName)
	if err != nil {
		return "", err
	}
	total := func(pods []corev1.Pod) (n int32) {
		for _, pod := range pods {
			n += restarts(&pod)
		}
		return n
	}
	if len(after) != len(pods) || total(after) != total(pods) {
		return "", errors.New("a pod of ours was restarted")
	}
	return fmt.Sprintf("all %d replicas show a certificate of the new authority after %.1f s", len(pods), took.Seconds()), nil
}

// issuers are those of the certificates that the pods show, each verified as the aggregator does.
func (p *production) issuers(ctx context.Context, pods []corev1.Pod) (map[string]bool, error) {
	found := map[string]bool{}
	for _, pod := range pods {
		shown, err := p.shown(ctx, &pod)
		if err != nil {
			return nil, err
		}
		found[shown.Issuer.CommonName] = true
	}
	return found, nil
}
