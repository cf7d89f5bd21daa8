// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package class

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

var update = flag.Bool("update", false, "write docs/api/class-limits.md")

const (
	limitsPage = "../../../docs/api/class-limits.md"
	limitsHead = `# Limits of a class, by example

Every limit of a [DittoServerClass](dittoserverclass.md) with a server that keeps it, one that does not, and the refusal. This
page is written by the test that tries every line of it (` + "`go test ./apis/dittofs/class -update`" + `).

Servers are parts of a spec, merged over the least that a user writes, ` + "`storage: {metadataSize: 10Gi}`" + `. Each refusal goes on
` + "`; ask somebody with the verb override on the class if you need another value`" + `. The limits on all servers of a namespace,
` + "`serversPerNamespace` and `storage.maxNamespaceSize`" + `, are counted: [Admission](admission.md#classes-dittoserverclass) has their refusals.

| Limit | Allowed | Refused | With |
|---|---|---|---|
`
)

func TestTheLimitsPageIsTheTable(t *testing.T) {
	var out bytes.Buffer
	out.WriteString(limitsHead)
	for _, row := range limitRows(t) {
		violations := Violations(specOf(t, row.Refused), row.class())
		if len(violations) != 1 {
			t.Fatalf("%s: %v", row.At, violations)
		}
		refusal := field.Invalid(violations[0].Path, violations[0].Value, `the class "small" `+violations[0].Allowed)
		limit := compact(t, row.Limit)
		if defaults := compact(t, row.Defaults); defaults != "{}" {
			limit += " with the defaults " + defaults
		}
		fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", cell(limit), cell(compact(t, row.Allowed)), cell(compact(t, row.Refused)), cell(refusal.Error()))
	}
	if *update {
		if err := os.WriteFile(limitsPage, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(limitsPage)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, out.Bytes()) {
		t.Error("docs/api/class-limits.md is not what testdata/limits.yaml says: go test ./apis/dittofs/class -update")
	}
}

func TestEachRefusalNamesTheFieldAndWhatIsAllowed(t *testing.T) {
	for _, row := range limitRows(t) {
		if !strings.HasPrefix(row.At, "spec.") || row.Message == "" {
			t.Errorf("a row has the path %q and the message %q: %s", row.At, row.Message, compact(t, row.Limit))
		}
	}
}

// compact is JSON, which is YAML too, with spaces to break lines at.
func compact(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(`":`, `": `, `,"`, `, "`, `,{`, `, {`).Replace(string(data))
	if text == "null" {
		return "{}"
	}
	return text
}

// cell is code in a table of Markdown.
func cell(text string) string { return "`" + strings.ReplaceAll(text, "|", `\|`) + "`" }
