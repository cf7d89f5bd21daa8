// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Block is one block of commands of a page. What follows it as a text block is what it prints, shortened.
type Block struct {
	// Part says what it is for.
	Part string
	// Refused blocks end with an error.
	Refused  bool
	Commands string
	Prints   string
	// Line is where it begins on the page.
	Line int
}

// marked is a block that is run: <!-- run: PART --> or <!-- run: PART, refused -->, and what it prints.
var marked = regexp.MustCompile("(?s)<!-- run: ([a-z-]+)(, refused)? -->\n```sh\n(.*?)```\n(?:\n*```text\n(.*?)```\n)?")

// elsewhere is a block that the local plane cannot run, with the reason, or the step of `make e2e` that does it.
var elsewhere = regexp.MustCompile("(?m)^<!-- (not run|e2e): ([^\n]+) -->\n```sh\n")

// Page is a page of docs/, as a shell in a directory of its own that runs it.
type Page struct {
	Blocks []Block
	// Steps are those of make e2e that blocks are left to.
	Steps []string
	// Dir is where the commands run. It has the artifacts of the repository, as a clone has.
	Dir string

	env      []string
	preludes []string
}

// OpenPage reads a page whose commands are run by the user. Every block of commands must be marked: to be run, or why not. The
// blocks of the part prelude are run before each other one: they set what the shell of a reader keeps.
func OpenPage(t *testing.T, user *User, name, prelude string) *Page {
	t.Helper()
	root, err := RepoDir()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", name))
	if err != nil {
		t.Fatal(err)
	}
	p := &Page{Dir: t.TempDir(), env: []string{
		"PATH=" + BinDir(root) + ":" + os.Getenv("PATH"), "KUBECONFIG=" + user.Kubeconfig,
		"HOME=" + t.TempDir(), "NO_PROXY=127.0.0.1", "TERM=dumb",
	}}
	if err := os.Symlink(filepath.Join(root, "artifacts"), filepath.Join(p.Dir, "artifacts")); err != nil {
		t.Fatal(err)
	}
	for _, at := range marked.FindAllSubmatchIndex(text, -1) {
		group := func(i int) string {
			if at[2*i] < 0 {
				return ""
			}
			return string(text[at[2*i]:at[2*i+1]])
		}
		b := Block{Part: group(1), Refused: group(2) != "", Commands: group(3), Prints: group(4), Line: strings.Count(string(text[:at[0]]), "\n") + 1}
		p.Blocks = append(p.Blocks, b)
		if b.Part == prelude {
			p.preludes = append(p.preludes, b.Commands)
		}
	}
	others := elsewhere.FindAllStringSubmatch(string(text), -1)
	for _, block := range others {
		if block[1] == "e2e" {
			p.Steps = append(p.Steps, block[2])
		}
	}
	if n := strings.Count(string(text), "```sh"); n == 0 || n != len(p.Blocks)+len(others) {
		t.Fatalf("the page has %d blocks of commands, %d of them marked to be run and %d to be run elsewhere", n, len(p.Blocks), len(others))
	}
	return p
}

// Replace changes the commands of all blocks.
func (p *Page) Replace(old, with string) *Page {
	for i, b := range p.Blocks {
		p.Blocks[i].Commands = strings.ReplaceAll(b.Commands, old, with)
	}
	for i, commands := range p.preludes {
		p.preludes[i] = strings.ReplaceAll(commands, old, with)
	}
	return p
}

// Of returns the blocks of one part, in their order.
func (p *Page) Of(t *testing.T, part string) (blocks []Block) {
	t.Helper()
	for _, b := range p.Blocks {
		if b.Part == part {
			blocks = append(blocks, b)
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("the page has no commands %q", part)
	}
	return blocks
}

// Run runs commands in the shell of the page, and returns what they print.
func (p *Page) Run(t *testing.T, commands string) string {
	t.Helper()
	output, err := p.Try(t, commands)
	if err != nil {
		t.Fatalf("%s\n%v:\n%s", commands, err, output)
	}
	return output
}

// Try is Run for commands that may fail.
func (p *Page) Try(t *testing.T, commands string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), PatienceLimit)
	defer cancel()
	command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", strings.Join(p.preludes, "")+commands)
	command.Dir, command.Env = p.Dir, p.env
	output, err := command.CombinedOutput()
	return string(output), err
}

// Follow runs a block, and compares what it prints with what the page says.
func (p *Page) Follow(t *testing.T, b Block) string {
	t.Helper()
	output, err := p.Try(t, b.Commands)
	if (err != nil) != b.Refused {
		t.Fatalf("line %d:\n%s\nrefused: %t, want %t (%v):\n%s", b.Line, b.Commands, err != nil, b.Refused, err, output)
	}
	if err := Printed(output, b.Prints); err != nil {
		t.Errorf("line %d:\n%s\nprints\n%s%v", b.Line, b.Commands, output, err)
	}
	return output
}

// Await is Follow for commands that only look: they are repeated until they end as the page says and print it.
func (p *Page) Await(t *testing.T, b Block) (output string) {
	t.Helper()
	Eventually(t, fmt.Sprintf("line %d: %s", b.Line, b.Commands), func(context.Context) error {
		var err error
		if output, err = p.Try(t, b.Commands); (err != nil) != b.Refused {
			return fmt.Errorf("refused: %t, want %t (%w):\n%s", err != nil, b.Refused, err, output)
		}
		if err := Printed(output, b.Prints); err != nil {
			return fmt.Errorf("it prints\n%s%w", output, err)
		}
		return nil
	})
	return output
}

var (
	blanks = regexp.MustCompile(`[ \t]+`)
	// varying are ages and addresses, which are others at each run.
	varying = regexp.MustCompile(`\b\d+(\.\d+)?(ms|s|m|h)\b|\b\d+m\d+s\b`)
)

// Printed looks for the lines of a page in an output, in their order: they may have other ages and spaces, and "…" stands
// for anything.
func Printed(output, page string) error {
	normal := func(line string) string {
		return strings.TrimSpace(varying.ReplaceAllString(blanks.ReplaceAllString(line, " "), "#"))
	}
	var lines []string
	for line := range strings.Lines(output) {
		lines = append(lines, normal(line))
	}
	next := 0
	for line := range strings.Lines(page) {
		wanted := normal(line)
		if wanted == "" || wanted == "…" {
			continue
		}
		pattern, err := regexp.Compile("^" + strings.ReplaceAll(regexp.QuoteMeta(wanted), "…", ".*") + "$")
		if err != nil {
			return err
		}
		for next < len(lines) && !pattern.MatchString(lines[next]) {
			next++
		}
		if next == len(lines) {
			return fmt.Errorf("without the line of the page:\n%s", line)
		}
		next++
	}
	return nil
}
