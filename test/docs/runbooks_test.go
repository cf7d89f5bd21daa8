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
func TestEveryRunbookHasTheSameShapeAndTheStepsOfE2EThatItNames(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "runbooks.md"))
	if err != nil {
		t.Fatal(err)
	}
	steps, err := os.ReadFile(filepath.Join("..", "e2e", "install.go"))
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
	named := regexp.MustCompile(`<!-- e2e: (.+) -->`).FindAllStringSubmatch(string(page), -1)
	if len(named) == 0 {
		t.Error("no step of make e2e is named")
	}
	for _, step := range named {
		if !strings.Contains(string(steps), `{name: "`+step[1]+`"`) {
			t.Errorf("make e2e has no step %q", step[1])
		}
	}
}
