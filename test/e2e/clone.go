// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dittofs/dittofs-apiserver/test/page"
)

// placeholders are names on our pages that are others in each cluster.
const (
	anyImage    = "REGISTRY/dittofs-apiserver:TAG"
	anySnapshot = "dittofs-20260102T150405Z.db"
)

// pages are those of docs/ with commands for steps.
var pages = []string{"runbooks.md", "backup.md", "upgrade.md"}

// guide is a page of docs/ in the hands of a cluster admin: a shell in a clone of a release, in which the manifests have our
// image.
type guide struct {
	*page.Page
	name  string
	suite *suite
}

func (s *suite) page(name string) (*page.Page, error) {
	return page.Read(filepath.Join(s.options.root, "docs", name), "prelude")
}

// open reads a page. tag is that of the release.
func (s *suite) open(name, tag string) (*guide, error) {
	p, err := s.page(name)
	if err != nil {
		return nil, err
	}
	if p.Dir, err = s.clone(tag); err != nil {
		return nil, err
	}
	p.Env = []string{"PATH=" + s.options.binDir() + ":" + os.Getenv("PATH"), "KUBECONFIG=" + s.plane.KubeconfigPath, "HOME=" + p.Dir, "TERM=dumb"}
	p.Replace(anyImage, serverImage+":"+tag)
	p.Replace(anySnapshot, s.snapshot)
	return &guide{Page: p, name: name, suite: s}, nil
}

// clone has the artifacts of a release, as `kustomize edit set image` leaves them.
func (s *suite) clone(tag string) (dir string, err error) {
	dir = filepath.Join(s.options.dir(), "clone-"+s.overlayName+"-"+tag)
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	artifacts := filepath.Join(dir, "artifacts")
	if err := os.CopyFS(artifacts, os.DirFS(filepath.Join(s.options.root, "artifacts"))); err != nil {
		return "", err
	}
	file := filepath.Join(artifacts, "deploy", "overlays", s.overlayName, "kustomization.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	const unset = "    newTag: latest"
	if !strings.Contains(string(text), unset) {
		return "", fmt.Errorf("%s names no image to be set", file)
	}
	set := strings.Replace(string(text), unset, "    newName: "+serverImage+"\n    newTag: "+tag, 1)
	return dir, os.WriteFile(file, []byte(set), 0o600)
}

// follow runs the commands of a part once, one block after the other.
func (g *guide) follow(ctx context.Context, part string) error {
	blocks, err := g.Of(page.E2E, part)
	if err != nil {
		return err
	}
	for _, b := range blocks {
		if _, err := g.Follow(ctx, b); err != nil {
			return fmt.Errorf("docs/%s, %w", g.name, err)
		}
	}
	g.suite.followed[g.name+": "+part] = true
	return nil
}

// allFollowed is an error if the pages leave commands to a step which it has not followed.
func (s *suite) allFollowed(step string) error {
	for _, name := range pages {
		p, err := s.page(name)
		if err != nil {
			return err
		}
		for _, b := range p.Blocks {
			ours := b.Part == step || strings.HasPrefix(b.Part, step+": ")
			if b.Runner == page.E2E && ours && !s.followed[name+": "+b.Part] {
				return fmt.Errorf("docs/%s, line %d: nobody follows %q", name, b.Line, b.Part)
			}
		}
	}
	return nil
}

// await runs commands that only look until they print what the page says.
func (g *guide) await(ctx context.Context, part string) error {
	return eventually(ctx, func(ctx context.Context) error { return g.follow(ctx, part) })
}
