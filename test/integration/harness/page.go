// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/dittofs/dittofs-apiserver/test/page"
)

// Page is a page of docs/ that a test follows on a local control plane.
type Page struct {
	*page.Page
}

// OpenPage reads a page whose commands are run by the user. Its directory has the artifacts of the repository, as a clone has.
func OpenPage(t *testing.T, user *User, name, prelude string) Page {
	t.Helper()
	root, err := RepoDir()
	if err != nil {
		t.Fatal(err)
	}
	p, err := page.Read(filepath.Join(root, "docs", name), prelude)
	if err != nil {
		t.Fatal(err)
	}
	p.Dir, p.Env = t.TempDir(), []string{
		"PATH=" + BinDir(root) + ":" + os.Getenv("PATH"), "KUBECONFIG=" + user.Kubeconfig,
		"HOME=" + t.TempDir(), "NO_PROXY=127.0.0.1", "TERM=dumb",
	}
	if err := os.Symlink(filepath.Join(root, "artifacts"), filepath.Join(p.Dir, "artifacts")); err != nil {
		t.Fatal(err)
	}
	return Page{Page: p}
}

// Of returns the blocks of one part that are run here, in their order.
func (p Page) Of(t *testing.T, part string) []page.Block {
	t.Helper()
	blocks, err := p.Page.Of(page.Local, part)
	if err != nil {
		t.Fatal(err)
	}
	return blocks
}

// Run runs commands in the shell of the page, and returns what they print.
func (p Page) Run(t *testing.T, commands string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), PatienceLimit)
	defer cancel()
	output, err := p.Try(ctx, commands)
	if err != nil {
		t.Fatalf("%s\n%v:\n%s", commands, err, output)
	}
	return output
}

// Follow runs a block, and compares what it prints with what the page says.
func (p Page) Follow(t *testing.T, b page.Block) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), PatienceLimit)
	defer cancel()
	output, err := p.Page.Follow(ctx, b)
	if errors.Is(err, page.ErrEnd) {
		t.Fatal(err)
	}
	if err != nil {
		t.Error(err)
	}
	return output
}

// Await is Follow for commands that only look: they are repeated until they end as the page says and print it.
func (p Page) Await(t *testing.T, b page.Block) (output string) {
	t.Helper()
	Eventually(t, fmt.Sprintf("line %d: %s", b.Line, b.Commands), func(ctx context.Context) (err error) {
		output, err = p.Page.Follow(ctx, b)
		return err
	})
	return output
}
