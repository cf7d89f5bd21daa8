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
	if err := s.apply(ctx, secondTag); err != nil {
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
	if err := s.applyLate(ctx); err != nil {
		return "", err
	}
	if err := eventually(ctx, s.allReady); err != nil {
		return "", err
	}
	var err error
	if s.pods, err = s.filePods(ctx); err != nil {
		return "", err
	}
	s.writer.end()
	began := time.Now()
	if err := s.wipe(ctx); err != nil {
		return "", err
	}
	if err := s.scale(ctx, 0); err != nil {
		return "", err
	}
	manifest, err := s.restoreManifest()
	if err != nil {
		return "", err
	}
	if _, err := s.job(ctx, serverName+"-restore", "apply", "-f", manifest); err != nil {
		return "", err
	}
	if err := s.scale(ctx, 1); err != nil {
		return "", err
	}
	if err := s.observes(ctx); err != nil {
		return "", err
	}
	if err := s.accept(ctx); err != nil {
		return "", err
	}
	took := time.Since(began)
	if err := s.missing(ctx); err != nil {
		return "", err
	}
	if err := s.applyLate(ctx); err != nil {
		return "", err
	}
	s.writer = resumeWriter(context.WithoutCancel(ctx), s.dittofs, namePrefix, s.kept[0])
	return fmt.Sprintf("the store is back after %.1f s with every write up to the snapshot; what came later is named and adopted", took.Seconds()), nil
}

func (s *suite) applyLate(ctx context.Context) error {
	file := filepath.Join(s.options.dir(), "late.yaml")
	content := "apiVersion: dittofs.io/v1alpha1\nkind: DittoServer\nmetadata: {name: " + lateServer + "}\nspec: {storage: {metadataSize: 1Gi}}\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		return err
	}
	_, err := s.kubectl(ctx, "-n", tenantNamespace, "apply", "-f", file)
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

func (s *suite) restoreManifest() (string, error) {
	data, err := os.ReadFile(filepath.Join(s.options.root, "artifacts", "deploy", "jobs", "restore.yaml"))
	if err != nil {
		return "", err
	}
	text := strings.Replace(string(data), "SNAPSHOT", s.snapshot, 1)
	text = strings.Replace(text, "image: dittofs-apiserver", "image: "+serverImage+":"+secondTag, 1)
	file := filepath.Join(s.options.dir(), "restore.yaml")
	return file, os.WriteFile(file, []byte(text), 0o600)
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

// accept adds the flag, waits, and takes it away again.
func (s *suite) accept(ctx context.Context) error {
	for _, args := range [][]string{
		{"patch", s.workload, "--type=json", "-p", `[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"--accept-store"}]`},
		{"rollout", "status", s.workload, "--timeout=120s"},
		{"rollout", "undo", s.workload},
		{"rollout", "status", s.workload, "--timeout=120s"},
	} {
		if _, err := s.kubectl(ctx, append([]string{"-n", systemNamespace}, args...)...); err != nil {
			return err
		}
	}
	return eventually(ctx, s.served)
}

// missing waits for the event that names the server which the store does not know.
func (s *suite) missing(ctx context.Context) error {
	return eventually(ctx, func(ctx context.Context) error { return s.event(ctx, "DittoServerMissing", lateServer) })
}
