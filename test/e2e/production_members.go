// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// loseMember empties the volume of a member, and gives it a new one by docs/runbooks.md.
func (p *production) loseMember(ctx context.Context) (string, error) {
	page, err := p.open("runbooks.md", p.installed)
	if err != nil {
		return "", err
	}
	if err := p.emptyMember(ctx, 2); err != nil {
		return "", err
	}
	if err := page.await(ctx, "a member's volume lost: see"); err != nil {
		return "", err
	}
	began := time.Now()
	if err := page.follow(ctx, "a member's volume lost: do"); err != nil {
		return "", err
	}
	if err := page.follow(ctx, "a member's volume lost: over"); err != nil {
		return "", err
	}
	took := time.Since(began)
	return fmt.Sprintf("an empty member joined %.1f s after the first command", took.Seconds()), eventually(ctx, p.allWell)
}

// loseQuorum empties the volumes of two members. What the third has is saved, and restored on all of them.
func (p *production) loseQuorum(ctx context.Context) (string, error) {
	page, err := p.open("runbooks.md", p.installed)
	if err != nil {
		return "", err
	}
	// The volume of the backups has to be there, and no backup.
	p.withBackup = true
	if err := p.apply(ctx, p.installed); err != nil {
		return "", err
	}
	p.load.end()
	kept := p.acknowledged()
	for _, member := range []int{1, 2} {
		if err := p.emptyMember(ctx, member); err != nil {
			return "", err
		}
	}
	began := time.Now()
	if err := page.follow(ctx, "the quorum of etcd lost: save"); err != nil {
		return "", err
	}
	p.snapshot = "left.db"
	if err := p.restoreMembers(ctx); err != nil {
		return "", err
	}
	took := time.Since(began)
	if err := p.load.start(ctx, kept); err != nil {
		return "", err
	}
	return fmt.Sprintf("restored from the member that was left in %.1f s, --accept-store included, with every write", took.Seconds()), nil
}

// emptyMember is a disk that was replaced by an empty one.
func (p *production) emptyMember(ctx context.Context, member int) error {
	claim, pod := &corev1.PersistentVolumeClaim{}, &corev1.Pod{}
	name := fmt.Sprintf("%s-%d", etcdName, member)
	if err := p.plane.Client().Get(ctx, client.ObjectKey{Namespace: systemNamespace, Name: "data-" + name}, claim); err != nil {
		return err
	}
	if err := p.plane.Client().Get(ctx, client.ObjectKey{Namespace: systemNamespace, Name: name}, pod); err != nil {
		return err
	}
	volume := &corev1.PersistentVolume{}
	if err := p.plane.Client().Get(ctx, client.ObjectKey{Name: claim.Spec.VolumeName}, volume); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(volume.Spec.HostPath.Path, "data")); err != nil {
		return err
	}
	return killPod(pod, "etcd")
}
