// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package page

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

const example = `# Example

<!-- run: prelude -->
ticks
n=1
ticks

1. Look:

   <!-- e2e: a step: see, refused -->
   ticks
   echo "$n" &&
     false
   ticks

   text
   1
   ticks

<!-- not run: nobody has one -->
ticks
rm -rf /
ticks
`

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "example.md")
	// In Go, a raw string has no backticks.
	text = strings.NewReplacer("text\n   1", "```text\n   1", "-->\nticks", "-->\n```sh", "-->\n   ticks", "-->\n   ```sh", "ticks", "```").Replace(text)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestABlockIsReadWithItsMarkAndWhatItPrints(t *testing.T) {
	p, err := Read(write(t, example), "prelude")
	if err != nil {
		t.Fatal(err)
	}
	want := []Block{
		{Runner: Local, Part: "prelude", Commands: "n=1\n", Line: 3},
		{Runner: E2E, Part: "a step: see", Refused: true, Commands: "echo \"$n\" &&\n  false\n", Prints: "1\n", Line: 10},
		{Runner: Nobody, Part: "nobody has one", Commands: "rm -rf /\n", Line: 20},
	}
	if !reflect.DeepEqual(p.Blocks, want) {
		t.Errorf("got\n%+v\nwant\n%+v", p.Blocks, want)
	}
	p.Dir = t.TempDir()
	if output, err := p.Follow(t.Context(), p.Blocks[1]); err != nil || output != "1\n" {
		t.Errorf("got %q, %v", output, err)
	}
	p.Replace("n=1", "n=2")
	if _, err := p.Follow(t.Context(), p.Blocks[1]); err == nil || !strings.Contains(err.Error(), "without the line of the page") {
		t.Errorf("what prints otherwise: %v", err)
	}
}

func TestABlockThatEndsOtherwiseIsAnError(t *testing.T) {
	p := Page{Dir: t.TempDir()}
	for _, b := range []Block{{Commands: "true\n", Refused: true}, {Commands: "false\n"}, {Commands: "false | true\n"}, {Commands: "echo \"$unset\"\n"}} {
		if _, err := p.Follow(t.Context(), b); err == nil || !strings.Contains(err.Error(), ErrEnd.Error()) {
			t.Errorf("%+v: %v", b, err)
		}
	}
}

func TestABlockWithoutAMarkIsRefused(t *testing.T) {
	file := write(t, strings.Replace(example, "<!-- not run: nobody has one -->\nticks", "<!-- unmarked -->\nticks", 1))
	if _, err := Read(file, ""); err == nil || !strings.Contains(err.Error(), "3 blocks of commands, and 2 are marked") {
		t.Errorf("got %v", err)
	}
}

func TestWhatAPageSaysIsLookedForInWhatIsPrinted(t *testing.T) {
	const output = "NAME    READY   AGE\nfiles   True    12s\nother   False   3m12s\n"
	for name, c := range map[string]struct {
		page string
		same bool
	}{
		"the same":                    {output, true},
		"other ages and spaces":       {"NAME READY AGE\nfiles  True  5m\n", true},
		"only one line":               {"other   False   1s\n", true},
		"anything in between":         {"files … #\n…\nother … 9s\n", true},
		"nothing":                     {"", true},
		"another value":               {"files   False   12s\n", false},
		"half a line":                 {"files   True\n", false},
		"another order":               {"other   False   1s\nfiles   True    1s\n", false},
		"a dot is no other character": {"f.les   True    12s\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Printed(output, c.page); (err == nil) != c.same {
				t.Errorf("got %v", err)
			}
		})
	}
}
