// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/api/conformance.md")

const (
	page     = "../../../docs/api/conformance.md"
	pageHead = `# Conformance

What clients of Kubernetes rely on, and how a [DittoServer](dittoserver.md) answers. This page is written by the test that
asks (` + "`go test ./test/integration/conformance -update`" + `): each request goes to a DittoServer and to a kind of Kubernetes, both
through kube-apiserver, and both must answer alike: status, reason, message, fields of metadata, managers, warnings.

- Where they are meant to differ, both answers and the reason stand under [Differences](#differences). There are no others.
- Texts are compared but for what names the kind, the namespace or the moment. Not compared are messages that quote
  fields of the kind, and the columns of tables.
- The controllers are off while the test runs: what they do to objects is no part of the API.
- *refused* is an answer without a Status in JSON; *without a reason* a Status that has none.
`
)

func TestThePageIsTheTable(t *testing.T) {
	var out bytes.Buffer
	out.WriteString(pageHead)
	writeDifferences(&out)
	for _, area := range areas() {
		fmt.Fprintf(&out, "\n## %s\n\n| Behaviour | As | Answers |\n|---|---|---|\n", area.name)
		for _, b := range area.behaviours {
			answers := cell(b.want)
			if b.differs != nil {
				answers += "<br>[differs](#differences)"
			}
			fmt.Fprintf(&out, "| %s | %s | %s |\n", b.name, b.peer.name, answers)
		}
	}
	if *update {
		if err := os.WriteFile(page, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, out.Bytes()) {
		t.Error("docs/api/conformance.md is not what the table says: run go test ./test/integration/conformance -update and review the difference")
	}
}

func writeDifferences(out *bytes.Buffer) {
	out.WriteString("\n## Differences\n\n| Behaviour | A kind of Kubernetes | A DittoServer | Why |\n|---|---|---|---|\n")
	for _, area := range areas() {
		for _, b := range area.behaviours {
			if b.differs != nil {
				fmt.Fprintf(out, "| %s | %s: %s | %s | %s |\n", b.name, b.peer.name, cell(b.want), cell(b.differs.ours), b.differs.why)
			}
		}
	}
}

// cell is a cell of a table in Markdown.
func cell(lines []string) string {
	text := strings.NewReplacer("<nil>", "none", "<", "&lt;", "|", `\|`).Replace(strings.Join(lines, "\n"))
	return strings.ReplaceAll(text, "\n", "<br>")
}

func TestEachBehaviourIsNamedOnceAndEachDifferenceHasItsReason(t *testing.T) {
	seen := map[string]bool{}
	for _, area := range areas() {
		for _, b := range area.behaviours {
			if seen[b.name] {
				t.Errorf("%q stands twice", b.name)
			}
			if seen[b.name] = true; len(b.want) == 0 {
				t.Errorf("%q has no answer", b.name)
			}
			if b.differs != nil && (b.differs.why == "" || len(b.differs.ours) == 0) {
				t.Errorf("%q has a difference without a reason or an answer", b.name)
			}
		}
	}
}
