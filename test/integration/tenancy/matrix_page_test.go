// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package tenancy_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/tenancy-matrix.md")

const (
	root     = "../../.."
	page     = root + "/docs/tenancy-matrix.md"
	pageHead = `# Who may do what

This page is written from the tables of the tests that ask (` + "`go test ./test/integration/tenancy -run Page -update`" + `), and a test fails
where it says something else.

## The matrix

Two tenants have a namespace each, A and B, with a running server of a class that offers tokens and the proxy. Everybody in
the first column sends a request for every verb of every resource that discovery lists for ` + "`dittofs.io`" + `, in A, in B and over the
whole cluster: through kube-apiserver, and past it to the port of our own server, which must come to the same answer by
itself. A cell has the verbs that are allowed; the request then succeeds. Everything else is refused by the authorizer.
A verb or resource that is new fails the test until it has a request and a place in each row.

- *read* is get, list, watch; *write* is create, update, patch, delete, deletecollection; *all* is both. – is nothing.
- Changes are sent as dry runs, so that all of them meet the same objects; the proxy has none, and gets requests that do no harm.
- Refusals are ` + "`403`" + ` with the words ` + "`User \"x\" cannot VERB resource ...`" + `, or what [the list of them](#who-they-are) says.
`
	pageVerbs = `
## Verbs that no request has

Three verbs are asked about by admission, for the user who asks or is impersonated. Discovery does not list them, and no
aggregated role has them: whoever hands out namespaces grants them by name.

| Verb | On | Asked when | Who has it |
|---|---|---|---|
| ` + "`use`" + ` | a DittoServerClass, in the namespace of the server | a server is created with the class | platform admins; tenants by a Role of the component ` + "`tenant`" + ` |
| ` + "`override`" + ` | the same | a server goes beyond the limits of its class, or around the default class | platform admins |
| ` + "`administer`" + ` | dittoservers/credentials | a token of the role ` + "`admin`" + ` is asked for | nobody but cluster admins; it takes ` + "`get`" + ` on the JWT Secret too |

## Escapes

What a tenant might try to get beyond their namespace, their class or their rights. Each was tried, and is refused, by the
test that is named: of ` + "`test/integration/tenancy`" + `, or of the directory that stands before it.

| Escape | What stops it | Test |
|---|---|---|
`
)

func TestThePageOfTheMatrixIsTheTable(t *testing.T) {
	var out bytes.Buffer
	out.WriteString(pageHead)
	writeMatrix(&out, "Over the whole cluster", anywhere, []string{classes, servers})
	namespaced := []string{servers, scale, status, finalize, credentials, proxy}
	writeMatrix(&out, "In namespace A", inA, namespaced)
	writeMatrix(&out, "In namespace B", inB, namespaced)
	writeIdentities(&out)
	out.WriteString(pageVerbs)
	for _, e := range escapes() {
		fmt.Fprintf(&out, "| %s | %s | %s |\n", e.name, e.stops, describe(e.tests))
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
		t.Error("docs/tenancy-matrix.md is not what the tables say: run go test ./test/integration/tenancy -run Page -update and review the difference")
	}
}

// describe names each test once, with its cases.
func describe(tests []proof) string {
	var out strings.Builder
	before := proof{}
	for i, p := range tests {
		same := p.dir == before.dir && p.test == before.test
		before = p
		switch {
		case same:
			out.WriteString("; " + p.variant)
			continue
		case i > 0:
			out.WriteString("<br>")
		}
		if p.dir != "" {
			fmt.Fprintf(&out, "`%s`: ", path.Base(p.dir))
		}
		fmt.Fprintf(&out, "`%s`", p.test)
		if p.variant != "" {
			out.WriteString(": " + p.variant)
		}
	}
	return out.String()
}

func writeMatrix(out *bytes.Buffer, title string, s scope, resources []string) {
	fmt.Fprintf(out, "\n### %s\n\n| Who |", title)
	for _, resource := range resources {
		fmt.Fprintf(out, " %s |", strings.TrimPrefix(resource, servers+"/"))
	}
	out.WriteString("\n|---" + strings.Repeat("|---", len(resources)) + "|\n")
	for _, r := range matrix() {
		fmt.Fprintf(out, "| %s |", r.who)
		for _, resource := range resources {
			fmt.Fprintf(out, " %s |", shortVerbs(r.rights(s)[resource]))
		}
		out.WriteString("\n")
	}
}

func writeIdentities(out *bytes.Buffer) {
	out.WriteString("\n### Who they are\n\n| Who | By | Refused with |\n|---|---|---|\n")
	for _, r := range matrix() {
		refused := fmt.Sprint(r.refusal())
		if r.words != "" {
			refused += ", `" + strings.ReplaceAll(r.words, `\"`, `"`) + "`"
		}
		how := r.how
		if r.doors != nil {
			how += "; at our own port"
		}
		fmt.Fprintf(out, "| %s | %s | %s |\n", r.who, how, refused)
	}
}

func shortVerbs(verbs string) string {
	switch verbs {
	case "":
		return "–"
	case all:
		return "all"
	case read:
		return "read"
	}
	return strings.ReplaceAll(verbs, " ", ", ")
}

func TestEachEscapeIsNamedOnceAndItsTestsAreThere(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range escapes() {
		if seen[e.name] {
			t.Errorf("%q stands twice", e.name)
		}
		seen[e.name] = true
		if e.stops == "" || len(e.tests) == 0 {
			t.Errorf("%q has no test, or nothing stops it", e.name)
		}
		for _, p := range e.tests {
			if err := p.find(t); err != nil {
				t.Errorf("%q: %v", e.name, err)
			}
		}
	}
}

// find looks the test up, and its case, which is text of the same file.
func (p proof) find(t *testing.T) error {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, p.directory(), "*_test.go"))
	if err != nil {
		return err
	}
	where := slices.IndexFunc(files, func(file string) bool {
		return strings.Contains(source(t, file), "\nfunc "+p.test+"(")
	})
	if where < 0 {
		return fmt.Errorf("there is no %s in %s", p.test, p.directory())
	}
	if p.variant == "" {
		return nil
	}
	_, body, _ := strings.Cut(source(t, files[where]), "\nfunc "+p.test+"(")
	body, _, _ = strings.Cut(body, "\n}\n")
	if !strings.Contains(body, `"`+p.variant+`"`) {
		return fmt.Errorf("%s has no case %q", p.test, p.variant)
	}
	return nil
}

func source(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
