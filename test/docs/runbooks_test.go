// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Who is woken at night finds the same things in the same places.
func TestEveryRunbookHasTheSameShape(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "runbooks.md"))
	if err != nil {
		t.Fatal(err)
	}
	index, rest, _ := strings.Cut(string(page), "\n## ")
	runbooks := strings.Split(rest, "\n## ")
	if len(runbooks) < 17 {
		t.Errorf("the page has %d runbooks", len(runbooks))
	}
	for _, runbook := range runbooks {
		title, body, _ := strings.Cut(runbook, "\n")
		for _, part := range []string{"**What you see.**", "**What it means.**", "**Not affected.**", "**Do this.**", "**How you know it is over.**"} {
			_, after, found := strings.Cut(body, part)
			if !found {
				t.Errorf("%q has no %s after the parts before it", title, part)
				break
			}
			body = after
		}
		anchor := strings.ReplaceAll(regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(title), ""), " ", "-")
		if !strings.Contains(index, "(#"+anchor+")") {
			t.Errorf("the table at the top does not lead to %q", title)
		}
	}
}

func TestWhatPagesLeaveToE2EIsAStepOfIt(t *testing.T) {
	steps := map[string]bool{}
	for path, text := range files(t, ".go") {
		if strings.HasPrefix(path, filepath.Join("test", "e2e")) {
			for _, match := range regexp.MustCompile(`\{name: "([^"]+)", do:`).FindAllStringSubmatch(text, -1) {
				steps[match[1]] = true
			}
		}
	}
	count := 0
	for page, text := range files(t, ".md") {
		for _, match := range regexp.MustCompile(`<!-- e2e: ([^:]+?)(: .+?)?(, refused)? -->`).FindAllStringSubmatch(text, -1) {
			count++
			if !steps[match[1]] {
				t.Errorf("%s leaves commands to a step %q of make e2e, which it does not have", page, match[1])
			}
		}
	}
	if count == 0 {
		t.Error("no page leaves anything to make e2e")
	}
}
