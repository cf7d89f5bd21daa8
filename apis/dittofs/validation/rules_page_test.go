// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write docs/api/validation.md")

const (
	page     = "../../../docs/api/validation.md"
	pageHead = `# Validation

What the API server refuses, and what it warns of, for the spec of a [DittoServer](dittoserver.md). This page is written
by the test that tries every line of it (` + "`go test ./apis/dittofs/validation -update`" + `): the answers are those of the server.

Examples are parts of a spec, merged as by ` + "`kubectl patch --type=merge`" + ` over the least that a user writes:

` + "```yaml" + `
storage: {metadataSize: 10Gi}
` + "```" + `

` + "`<254 x a>`" + ` stands for 254 letters a, ` + "`<17 x>`" + ` for 17 such items, # being their numbers; null takes a
field away.

- What is refused is named all at once, each field with its value and what it takes.
- A change that leaves the spec as it is, and any change of an object that is being deleted, is never refused.
- What a stored spec does wrong already, by rules that came later, does not stand in the way of other changes.
- *Once set up* means: since ` + "`status.configHash`" + ` is set, so since the first StatefulSet.
- Rules that need other objects, or the user who asks, are not here: [DittoServer](dittoserver.md) has them.
`
)

func TestThePageIsTheTable(t *testing.T) {
	table := loadRules(t)
	var out bytes.Buffer
	out.WriteString(pageHead)
	groups := groupRules(table.Rules)
	writeContents(&out, groups)
	for _, group := range groups {
		fmt.Fprintf(&out, "\n## %s\n", group.name)
		for _, heading := range group.headings {
			writeHeading(t, &out, heading)
		}
	}
	writeConfigKeys(&out)
	out.WriteString("\n## Fields without a rule\n\nEvery value of their type is accepted:")
	for i, field := range table.Free {
		fmt.Fprintf(&out, "%s `%s`", strings.Repeat(",", min(i, 1)), field)
	}
	out.WriteString(".\n\nChecked by others:\n\n")
	for _, field := range slices.Sorted(maps.Keys(table.Elsewhere)) {
		fmt.Fprintf(&out, "- `%s`: %s\n", field, table.Elsewhere[field])
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
		t.Error("docs/api/validation.md is not what the table says: run go test ./apis/dittofs/validation -update and review the difference")
	}
}

// ruleGroup are the rules of one field of the spec with all that is in it.
type ruleGroup struct {
	name     string
	headings []ruleHeading
}

// ruleHeading are the rules of one field, which several objects may have.
type ruleHeading struct {
	fields []string
	rules  []rule
}

// groupRules keeps the order of the table.
func groupRules(rules []rule) []ruleGroup {
	var groups []ruleGroup
	for _, r := range rules {
		placed := r.placed()
		var fields []string
		for _, one := range placed {
			fields = append(fields, one.Field)
		}
		name, _, _ := strings.Cut(strings.ReplaceAll(fields[0], "[]", ""), ".")
		i := slices.IndexFunc(groups, func(g ruleGroup) bool { return g.name == name })
		if i < 0 {
			groups, i = append(groups, ruleGroup{name: name}), len(groups)
		}
		headings := &groups[i].headings
		j := slices.IndexFunc(*headings, func(h ruleHeading) bool { return slices.Equal(h.fields, fields) })
		if j < 0 {
			*headings, j = append(*headings, ruleHeading{fields: fields}), len(*headings)
		}
		(*headings)[j].rules = append((*headings)[j].rules, placed[0])
	}
	return groups
}

func writeContents(out *bytes.Buffer, groups []ruleGroup) {
	out.WriteString("\n")
	for i, group := range groups {
		separator := " · "
		if i%8 == 0 {
			separator = strings.Repeat(" ·\n", min(i, 1))
		}
		fmt.Fprintf(out, "%s[%s](#%s)", separator, group.name, strings.ToLower(group.name))
	}
	out.WriteString(" · [keys of config](#keys-of-config)\n")
}

func writeHeading(t *testing.T, out *bytes.Buffer, heading ruleHeading) {
	t.Helper()
	fmt.Fprintf(out, "\n### `%s`\n\n", heading.fields[0])
	if more := heading.fields[1:]; len(more) > 0 {
		fmt.Fprintf(out, "Likewise `%s`.\n\n", strings.Join(more, "`, `"))
	}
	out.WriteString("| Rule | Accepted | Refused, with the answer |\n|---|---|---|\n")
	for _, r := range heading.rules {
		text := strings.NewReplacer("*", `\*`, "_", `\_`).Replace(strings.TrimSpace(r.Rule))
		if len(r.Given) > 0 {
			text += " With " + code(flow(r.Given)) + "."
		}
		switch {
		case r.SetUp && len(r.Old) > 0:
			text += " Once set up with " + code(flow(r.Old)) + "."
		case r.SetUp:
			text += " Once set up."
		case len(r.Old) > 0:
			text += " It was " + code(flow(r.Old)) + "."
		case r.Old != nil:
			text += " It was left out."
		}
		accepted := example(r.AcceptedName, r.AcceptedAnnotations, r.Accepted)
		refused := example(r.RefusedName, nil, r.Refused)
		var answer string
		if r.Warned != nil {
			refused = "with a warning: " + example("", nil, r.Warned)
			answer = Warnings(r.server(t, "", r.Old, r.Warned))[0]
		} else {
			answer = r.validate(t, r.refused(t))[0].Error()
		}
		fmt.Fprintf(out, "| %s | %s | %s<br>%s |\n", text, accepted, refused, code(answer))
	}
}

// example is a patch as one line of YAML.
func example(name string, annotations map[string]string, patch object) string {
	metadata := object{}
	if name != "" {
		metadata["name"] = name
	}
	if annotations != nil {
		quoted := object{}
		for key, value := range annotations {
			quoted[key] = value
		}
		metadata["annotations"] = quoted
	}
	var parts []string
	if len(metadata) > 0 {
		parts = append(parts, code(flow(object{"metadata": metadata})))
	}
	if len(patch) > 0 {
		parts = append(parts, code(flow(patch)))
	}
	if len(parts) == 0 {
		return "left out"
	}
	return strings.Join(parts, " and ")
}

func code(text string) string {
	return "`" + strings.ReplaceAll(text, "|", `\|`) + "`"
}

// flow is a patch in YAML on one line; null is what kubectl patch takes away.
func flow(patch object) string {
	text := inline(patch)
	if len(patch) == 1 {
		return strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
	}
	return text
}

func inline(value any) string {
	switch value := value.(type) {
	case object:
		var parts []string
		for _, key := range slices.Sorted(maps.Keys(value)) {
			parts = append(parts, inline(key)+": "+inline(value[key]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		var parts []string
		for _, item := range value {
			parts = append(parts, inline(item))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case string:
		text, err := yaml.Marshal(value)
		plain := strings.TrimSuffix(string(text), "\n")
		if err != nil || plain == value && strings.ContainsAny(value, ",[]{}") {
			return strconv.Quote(value)
		}
		return plain
	}
	return jsonText(value)
}

func jsonText(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

func writeConfigKeys(out *bytes.Buffer) {
	out.WriteString("\n## Keys of config\n\nThe keys of the configuration of DittoFS v0.29, and what `spec.config` may do with them.\n\n| Key | In `spec.config` |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(configRules)) {
		rule := configRules[name]
		text := "refused: " + rule.refused
		switch {
		case rule.field != "":
			text = "use `spec." + strings.ReplaceAll(rule.field, " or ", "` or `") + "`"
		case rule.value.form != "" && rule.seed:
			text = rule.value.form + "; dfs reads it at its first start only"
		case rule.value.form != "":
			text = rule.value.form
		}
		fmt.Fprintf(out, "| `%s` | %s |\n", name, text)
	}
}
