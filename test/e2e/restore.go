// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// lateServer is created after the snapshot: the restored store does not know it.
const lateServer = "late"

// backup runs the CronJob of the component once, as its schedule would.
func (s *suite) backup(ctx context.Context) (string, error) {
	s.withBackup = true
	if err := s.apply(ctx, s.installed); err != nil {
		return "", err
	}
	kept := s.acknowledged()
	output, err := s.job(ctx, "e2e-backup", "create", "job", "e2e-backup", "--from=cronjob/"+serverName+"-backup")
	if err != nil {
		return "", err
	}
	if s.snapshot = regexp.MustCompile(`dittofs-[^/ ]*\.db`).FindString(output); s.snapshot == "" {
		return "", fmt.Errorf("no snapshot is named in: %s", output)
	}
	s.kept = kept
	_, saved, _ := strings.Cut(output, "It restores: ")
	return "by the CronJob of the component; it restores " + strings.TrimRight(saved, ".\n "), nil
}

// job starts a job, waits for it and returns what it says.
func (s *suite) job(ctx context.Context, name string, start ...string) (string, error) {
	if _, err := s.kubectl(ctx, append([]string{"-n", systemNamespace}, start...)...); err != nil {
		return "", err
	}
	_, waited := s.kubectl(ctx, "-n", systemNamespace, "wait", "job/"+name, "--for=condition=complete", "--timeout=120s")
	output, err := s.kubectl(ctx, "-n", systemNamespace, "logs", "job/"+name)
	if waited != nil {
		return "", fmt.Errorf("%w: %s", waited, output)
	}
	return output, err
}

// restore follows docs/backup.md: after a server was created that the snapshot does not know, the store is lost and
// brought back. Up to the snapshot everything is there; what came later is named, and adopted when it is applied again.
func (s *suite) restore(ctx context.Context) (string, error) {
	g, err := s.open("backup.md", s.installed)
	if err != nil {
		return "", err
	}
	if err := s.applyLate(ctx, g.Dir); err != nil {
		return "", err
	}
	s.writer.end()
	began := time.Now()
	if err := s.wipe(ctx); err != nil {
		return "", err
	}
	for _, phase := range []string{"stop", "choose", "restore", "start"} {
		if err := g.follow(ctx, "restore after total loss: "+phase); err != nil {
			return "", err
		}
	}
	if err := s.observes(ctx); err != nil {
		return "", err
	}
	if err := g.await(ctx, "restore after total loss: look"); err != nil {
		return "", err
	}
	if err := g.follow(ctx, "restore after total loss: accept"); err != nil {
		return "", err
	}
	if err := eventually(ctx, s.served); err != nil {
		return "", err
	}
	took := time.Since(began)
	if err := g.await(ctx, "restore after total loss: missing"); err != nil {
		return "", err
	}
	if err := g.follow(ctx, "restore after total loss: again"); err != nil {
		return "", err
	}
	s.writer = resumeWriter(context.WithoutCancel(ctx), s.dittofs, namePrefix, s.kept[0])
	return fmt.Sprintf("the store is back after %.1f s with every write up to the snapshot; what came later is named and adopted", took.Seconds()), nil
}

// applyLate creates the server which the snapshot does not know, from a file in the clone of its tenant.
func (s *suite) applyLate(ctx context.Context, dir string) error {
	file := filepath.Join(dir, lateServer+".yaml")
	content := "apiVersion: dittofs.io/v1alpha1\nkind: DittoServer\nmetadata: {name: " + lateServer + "}\nspec: {storage: {metadataSize: 1Gi}}\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		return err
	}
	if _, err := s.kubectl(ctx, "-n", tenantNamespace, "apply", "-f", file); err != nil {
		return err
	}
	if err := eventually(ctx, s.allReady); err != nil {
		return err
	}
	pods, err := s.filePods(ctx)
	if err == nil {
		s.pods = pods
	}
	return err
}

// wipe loses the volume of our etcd, and lets the server start on an empty one.
func (s *suite) wipe(ctx context.Context) error {
	if err := s.scale(ctx, 0); err != nil {
		return err
	}
	if _, err := s.kubectl(ctx, "-n", systemNamespace, "delete", "pvc", "store-"+serverName+"-0", "--wait=true"); err != nil {
		return err
	}
	return s.scale(ctx, 1)
}

// observes: reads work, writes are refused with what to do.
func (s *suite) observes(ctx context.Context) error {
	if _, err := s.dittofs.DittofsV1alpha1().DittoServers(tenantNamespace).Get(ctx, s.server, metav1.GetOptions{}); err != nil {
		return fmt.Errorf("the restored store: %w", err)
	}
	class := &dittofsv1alpha1.DittoServerClass{ObjectMeta: metav1.ObjectMeta{Name: "refused"}}
	_, err := s.dittofs.DittofsV1alpha1().DittoServerClasses().Create(ctx, class, metav1.CreateOptions{})
	if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "--accept-store") {
		return fmt.Errorf("a write to a store that nobody has accepted: %w", err)
	}
	return nil
}
