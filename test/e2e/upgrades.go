// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dittofs/dittofs-apiserver/pkg/storeidentity"
)

// upgrade goes by docs/upgrade.md to another image. What is in it is the same: there is no older release.
func (s *suite) upgrade(ctx context.Context) (string, error) {
	if err := s.importServer(ctx, secondTag); err != nil {
		return "", err
	}
	return s.change(ctx, "upgrade.md", "upgrade", secondTag)
}

// takeBack goes by the runbook to the image of before.
func (s *suite) takeBack(ctx context.Context) (string, error) {
	if s.installed != secondTag {
		return "", errors.New(`there is no upgrade to take back: --only has to name the step "upgrade" as well`)
	}
	return s.change(ctx, "runbooks.md", "upgrade taken back", firstTag)
}

// change follows a page to another release: it saves the store, applies and looks. The store stays the one that it was.
func (s *suite) change(ctx context.Context, name, part, tag string) (string, error) {
	s.withBackup = true
	if err := s.apply(ctx, s.installed); err != nil {
		return "", err
	}
	before, err := s.storeID(ctx)
	if err != nil {
		return "", err
	}
	g, err := s.open(name, tag)
	if err != nil {
		return "", err
	}
	if err := g.follow(ctx, part+": save"); err != nil {
		return "", err
	}
	detail, err := s.away(ctx, func(ctx context.Context, _ *corev1.Pod) error { return g.follow(ctx, part) })
	if err != nil {
		return "", err
	}
	s.installed = tag
	if err := g.await(ctx, part+": over"); err != nil {
		return "", err
	}
	pod, err := s.serverPod(ctx)
	if err != nil {
		return "", err
	}
	if image := pod.Spec.Containers[0].Image; image != serverImage+":"+tag {
		return "", fmt.Errorf("our pod runs %s", image)
	}
	after, err := s.storeID(ctx)
	if err == nil && after != before {
		err = fmt.Errorf("the store was %s and is %s", before, after)
	}
	return detail, err
}

// storeID is what the host knows our store by.
func (s *suite) storeID(ctx context.Context) (string, error) {
	known := &corev1.ConfigMap{}
	if err := s.plane.Client().Get(ctx, client.ObjectKey{Namespace: systemNamespace, Name: storeidentity.ConfigMapName}, known); err != nil {
		return "", err
	}
	if known.Data["id"] == "" {
		return "", errors.New("the host knows no store")
	}
	return known.Data["id"], nil
}
