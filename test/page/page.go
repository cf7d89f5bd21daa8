// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package page runs the commands of a page of docs/ as a reader would, and compares what they print with what the page says.
// In: the page, and an environment for its shell. Out: what was printed, and an error for what differs.
package page

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Runner is who runs a block, or that nobody does.
type Runner string

const (
	// Local blocks are run by a test on a local control plane.
	Local Runner = "run"
	// E2E blocks need what only `make e2e` has, such as real pods. Their part is a step of it.
	E2E Runner = "e2e"
	// Nobody runs the others; their part says why.
	Nobody Runner = "not run"
)

// Block is one block of commands. The text block behind it, if there is one, is what it prints, shortened.
type Block struct {
	Runner Runner
	// Part says what it is for.
	Part string
	// Refused blocks end with an error.
	Refused  bool
	Commands string
	Prints   string
	// Line is where it begins on the page.
	Line int
}

// Page is a page as a shell in a directory of its own that runs it.
type Page struct {
	Blocks []Block
	// Dir is where the commands run, Env what their shell has.
	Dir string
	Env []string

	preludes []string
}

// marked is <!-- RUNNER: PART --> or <!-- RUNNER: PART, refused --> before a block of commands, and what that prints. A block may be
// part of a list.
var marked = regexp.MustCompile("(?s)(?:^|\n)( *)<!-- (run|e2e|not run): ([^\n]+?)(, refused)? -->\n *```sh\n(.*?)\n *```\n(?:\n* *```text\n(.*?)\n *```\n)?")

// Read reads a page. Every block of commands must be marked: whoever runs it, or why nobody does. The blocks of the part
// prelude are run before each other one: they set what the shell of a reader keeps.
func Read(file, prelude string) (*Page, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	p := &Page{}
	for _, at := range marked.FindAllSubmatchIndex(text, -1) {
		group := func(i int) string {
			if at[2*i] < 0 {
				return ""
			}
			return string(text[at[2*i]:at[2*i+1]])
		}
		indent := group(1)
		b := Block{
			Runner: Runner(group(2)), Part: group(3), Refused: group(4) != "",
			Commands: unindent(group(5), indent), Prints: unindent(group(6), indent),
			Line: strings.Count(string(text[:at[4]]), "\n") + 1,
		}
		p.Blocks = append(p.Blocks, b)
		if prelude != "" && b.Part == prelude {
			p.preludes = append(p.preludes, b.Commands)
		}
	}
	if n := strings.Count(string(text), "```sh"); n == 0 || n != len(p.Blocks) {
		return nil, fmt.Errorf("%s has %d blocks of commands, and %d are marked", filepath.Base(file), n, len(p.Blocks))
	}
	return p, nil
}

// unindent also ends the last line.
func unindent(text, indent string) string {
	if text == "" {
		return ""
	}
	return strings.TrimPrefix(strings.ReplaceAll("\n"+text, "\n"+indent, "\n"), "\n") + "\n"
}

// Replace changes the commands of all blocks.
func (p *Page) Replace(old, with string) {
	for i, b := range p.Blocks {
		p.Blocks[i].Commands = strings.ReplaceAll(b.Commands, old, with)
	}
	for i, commands := range p.preludes {
		p.preludes[i] = strings.ReplaceAll(commands, old, with)
	}
}

// Of returns the blocks of one part, in their order.
func (p *Page) Of(runner Runner, part string) (blocks []Block, err error) {
	for _, b := range p.Blocks {
		if b.Runner == runner && b.Part == part {
			blocks = append(blocks, b)
		}
	}
	if len(blocks) == 0 {
		return nil, fmt.Errorf("the page has no commands %q", part)
	}
	return blocks, nil
}

// Try runs commands in the shell of the page, and returns what they print.
func (p *Page) Try(ctx context.Context, commands string) (string, error) {
	command := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", strings.Join(p.preludes, "")+commands)
	command.Dir, command.Env = p.Dir, p.Env
	output, err := command.CombinedOutput()
	return string(output), err
}

// ErrEnd is that a block ended otherwise than the page says. What else Follow returns is about what was printed.
var ErrEnd = errors.New("it did not end as the page says")

// Follow runs a block, and compares what it prints with what the page says.
func (p *Page) Follow(ctx context.Context, b Block) (string, error) {
	output, err := p.Try(ctx, b.Commands)
	switch {
	case err == nil && b.Refused:
		return output, fmt.Errorf("line %d: %w: nothing refused it:\n%s%s", b.Line, ErrEnd, b.Commands, output)
	case err != nil && !b.Refused:
		return output, fmt.Errorf("line %d: %w: %w:\n%s%s", b.Line, ErrEnd, err, b.Commands, output)
	}
	if err := Printed(output, b.Prints); err != nil {
		return output, fmt.Errorf("line %d:\n%sprints\n%s%w", b.Line, b.Commands, output, err)
	}
	return output, nil
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
