// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package docs_test holds the pages to the tree: what they name exists. In: every Markdown file of the repository.
package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

// files returns the text of every file with the ending, by its path from the root. Nothing that is built is among them.
func files(t *testing.T, ending string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && path != root && (strings.HasPrefix(name, ".") && name != "." || name == "node_modules") {
			return filepath.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(path, ending) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		found[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

var (
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
	named    = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z0-9]\\w+)`")
)

func TestEveryTestThatAPageNamesExists(t *testing.T) {
	known := map[string]bool{}
	for _, text := range files(t, "_test.go") {
		for _, match := range declared.FindAllStringSubmatch(text, -1) {
			known[match[1]] = true
		}
	}
	count := 0
	for page, text := range files(t, ".md") {
		for _, match := range named.FindAllStringSubmatch(text, -1) {
			count++
			if !known[match[1]] {
				t.Errorf("%s names %s, which does not exist", page, match[1])
			}
		}
	}
	if count < 50 {
		t.Errorf("only %d tests are named: the pages were not read", count)
	}
}

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	notWords = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
	fence    = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	span     = regexp.MustCompile("`[^`\n]*`")
	anchor   = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
)

// anchors are those that a page has as GitHub makes them of its headings.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, match := range anchor.FindAllStringSubmatch(text, -1) {
		found[match[1]] = true
	}
	for _, match := range heading.FindAllStringSubmatch(text, -1) {
		words := link.ReplaceAllString(match[1], "]")
		found[strings.ReplaceAll(notWords.ReplaceAllString(strings.ToLower(words), ""), " ", "-")] = true
	}
	return found
}

func TestEveryLinkBetweenPagesLeadsSomewhere(t *testing.T) {
	pages, count := files(t, ".md"), 0
	for page, text := range pages {
		for _, match := range link.FindAllStringSubmatch(span.ReplaceAllString(fence.ReplaceAllString(text, ""), ""), -1) {
			target, part, _ := strings.Cut(match[1], "#")
			if strings.Contains(target, ":") {
				continue // elsewhere
			}
			count++
			path := page
			if target != "" {
				path = filepath.Join(filepath.Dir(page), target)
			}
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s: %s does not exist", page, match[1])
			} else if content, isPage := pages[path]; part != "" && isPage && !anchors(fence.ReplaceAllString(content, ""))[part] {
				t.Errorf("%s: %s has no heading of that name", page, match[1])
			}
		}
	}
	if count < 100 {
		t.Errorf("only %d links were found: the pages were not read", count)
	}
}
