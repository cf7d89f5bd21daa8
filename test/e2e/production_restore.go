// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// restoreAll loses the volumes of all members and brings the store back by docs/backup.md.
func (p *production) restoreAll(ctx context.Context) (string, error) {
	backup, err := p.backup(ctx)
	if err != nil {
		return "", err
	}
	kept := p.kept
	p.load.end()
	began := time.Now()
	if err := p.loseVolumes(ctx); err != nil {
		return "", err
	}
	lost := time.Since(began)
	began = time.Now()
	if err := p.restoreMembers(ctx); err != nil {
		return "", err
	}
	took := time.Since(began)
	if err := p.load.start(ctx, kept); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s; an empty store served %.1f s after the loss; the restore took %.1f s, --accept-store included, and has every write up to the snapshot", backup, lost.Seconds(), took.Seconds()), nil
}

// restoreMembers brings p.snapshot back, step by step as the page has it.
func (p *production) restoreMembers(ctx context.Context) error {
	page, err := p.open("backup.md", p.installed)
	if err != nil {
		return err
	}
	page.Replace("prepared-1.db", "prepared-of-"+p.snapshot) // which must be new each time
	const step = "all volumes of etcd lost, restore: "
	for _, part := range []func() error{
		func() error { return page.follow(ctx, step+"members") },
		func() error { return page.follow(ctx, step+"start") },
		func() error { return eventually(ctx, p.served) },
		func() error { return p.observes(ctx) },
		func() error { return page.follow(ctx, step+"accept") },
		func() error { return p.rolledOut(ctx) },
		func() error { return eventually(ctx, p.served) },
		func() error { return page.follow(ctx, step+"tidy") },
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// loseVolumes ends with an etcd and a server that know nothing.
func (p *production) loseVolumes(ctx context.Context) error {
	if err := p.stopBoth(ctx); err != nil {
		return err
	}
	for i := range replicas {
		if _, err := p.kubectl(ctx, "-n", systemNamespace, "delete", "pvc", fmt.Sprintf("data-%s-%d", etcdName, i), "--wait=true"); err != nil {
			return err
		}
	}
	if err := p.scaleBoth(ctx, replicas, replicas); err != nil {
		return err
	}
	list, err := p.dittofs.DittofsV1alpha1().DittoServers(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err == nil && len(list.Items) != 0 {
		err = fmt.Errorf("%d DittoServers survived the loss of the store", len(list.Items))
	}
	if err != nil {
		return err
	}
	return eventually(ctx, func(ctx context.Context) error { return p.event(ctx, "StoreReplaced", "dittofs-store") })
}

// stopBoth waits until the last pod is gone: a member that still runs has its volume.
func (p *production) stopBoth(ctx context.Context) error {
	if err := p.scaleBoth(ctx, 0, 0); err != nil {
		return err
	}
	for _, app := range []string{serverName, etcdName} {
		if _, err := p.kubectl(ctx, "-n", systemNamespace, "wait", "pods", "-l", "app.kubernetes.io/name="+app, "--for=delete", "--timeout=120s"); err != nil {
			return err
		}
	}
	return nil
}

func (p *production) scaleBoth(ctx context.Context, members, servers int) error {
	for workload, n := range map[string]int{"statefulset/" + etcdName: members, p.workload: servers} {
		if _, err := p.kubectl(ctx, "-n", systemNamespace, "scale", workload, fmt.Sprintf("--replicas=%d", n)); err != nil {
			return err
		}
	}
	if err := p.rolledOut(ctx); err != nil || servers == 0 {
		return err
	}
	return eventually(ctx, p.served)
}

// event finds an event by its reason and the name of what it is about.
func (s *suite) event(ctx context.Context, reason, name string) error {
	var events corev1.EventList
	if err := s.plane.Client().List(ctx, &events); err != nil {
		return err
	}
	for _, event := range events.Items {
		if event.Reason == reason && event.InvolvedObject.Name == name {
			return nil
		}
	}
	return fmt.Errorf("no event %s tells of %s", reason, name)
}
