// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
	if err := p.stopBoth(ctx); err != nil {
		return "", err
	}
	if err := p.restoreMembers(ctx); err != nil {
		return "", err
	}
	// One replica is enough to look at what would be done, and quicker to start anew.
	if err := p.scaleBoth(ctx, replicas, 1); err != nil {
		return "", err
	}
	if err := p.observes(ctx); err != nil {
		return "", err
	}
	if err := p.accept(ctx); err != nil {
		return "", err
	}
	if err := p.scaleBoth(ctx, replicas, replicas); err != nil {
		return "", err
	}
	took := time.Since(began)
	if err := p.load.start(ctx, kept); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s; an empty store served %.1f s after the loss; the restore took %.1f s, --accept-store included, and has every write up to the snapshot", backup, lost.Seconds(), took.Seconds()), nil
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

func (p *production) restoreMembers(ctx context.Context) error {
	for _, half := range []struct {
		file string
		jobs []string
	}{
		{"prepare.yaml", []string{etcdName + "-prepare"}},
		{"members.yaml", []string{etcdName + "-restore-0", etcdName + "-restore-1", etcdName + "-restore-2"}},
	} {
		data, err := os.ReadFile(filepath.Join(p.options.root, "artifacts", "deploy", "jobs-etcd", half.file))
		if err != nil {
			return err
		}
		text := strings.NewReplacer("SNAPSHOT", p.snapshot, "PREPARED", "prepared-1.db", "image: dittofs-apiserver", "image: "+serverImage+":"+secondTag)
		file := filepath.Join(p.options.dir(), half.file)
		// The first lines speak of the names that are replaced.
		if err := os.WriteFile(file, []byte(text.Replace(string(data))), 0o600); err != nil {
			return err
		}
		if _, err := p.kubectl(ctx, "apply", "-f", file); err != nil {
			return err
		}
		for _, job := range half.jobs {
			_, waited := p.kubectl(ctx, "-n", systemNamespace, "wait", "job/"+job, "--for=condition=complete", "--timeout=120s")
			if waited != nil {
				output, err := p.kubectl(ctx, "-n", systemNamespace, "logs", "job/"+job)
				return errors.Join(waited, err, errors.New(output))
			}
		}
	}
	return nil
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
