// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"text/template"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

//go:embed dittoserver.md.tmpl
var templateText string

const (
	typesDir   = "apis/dittofs/v1alpha1"
	reasonsDir = "pkg/controller/dittoserver"
)

// render makes the whole page from the source tree at root.
func render(root string) ([]byte, error) {
	types, err := readSource(filepath.Join(root, typesDir))
	if err != nil {
		return nil, err
	}
	controller, err := readSource(filepath.Join(root, reasonsDir))
	if err != nil {
		return nil, err
	}
	walk := &walker{source: types, references: map[string]reflect.Type{}}
	spec, err := walk.fieldsOf(reflect.TypeFor[dittofsv1alpha1.DittoServerSpec](), "spec")
	if err != nil {
		return nil, err
	}
	status, err := walk.fieldsOf(reflect.TypeFor[dittofsv1alpha1.DittoServerStatus](), "status")
	if err != nil {
		return nil, err
	}
	parsed, err := template.New("dittoserver.md").Funcs(template.FuncMap{
		"specIndex":    func() string { return index(spec) },
		"specFields":   func() (string, error) { return sections(spec, 3) },
		"statusIndex":  func() string { return index(status) },
		"statusFields": func() (string, error) { return sections(status, 3) },
		"references":   walk.sharedTypes,
		"conditions":   func() string { return constantTable(types.constants, "Condition") },
		"reasons":      func() string { return reasonList(controller.constants) },
	}).Parse(templateText)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	if err := parsed.Execute(&text, nil); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// index links the fields: one line for those without fields of their own, then
// one for each group.
func index(fields []*field) string {
	link := func(entry *field) string {
		name := entry.path[strings.LastIndex(entry.path, ".")+1:]
		return fmt.Sprintf("[%s](#%s)", name, anchor(entry.path))
	}
	var single []string
	var groups strings.Builder
	for _, entry := range fields {
		if len(entry.fields) == 0 {
			single = append(single, link(entry))
			continue
		}
		var names []string
		for _, child := range entry.fields {
			names = append(names, link(child))
		}
		fmt.Fprintf(&groups, "- **%s**: %s\n", link(entry), strings.Join(names, ", "))
	}
	if len(single) == 0 {
		return groups.String()
	}
	return fmt.Sprintf("- %s\n%s", strings.Join(single, ", "), groups.String())
}

// sections is a heading for each field with its facts, its words and its values,
// and then the fields below it.
func sections(fields []*field, level int) (string, error) {
	var text strings.Builder
	for _, entry := range fields {
		rules, err := facts(entry)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&text, "%s %s\n\n%s\n\n%s\n\n", strings.Repeat("#", min(level, 6)), entry.path, strings.Join(rules, " · "), escape(entry.doc.text))
		if entry.typeDoc != "" && entry.reference == "" {
			fmt.Fprintf(&text, "%s\n\n", escape(entry.typeDoc))
		}
		for _, value := range entry.values {
			fmt.Fprintf(&text, "- `%s`%s\n", value.value, escape(meaning(value)))
		}
		if len(entry.values) > 0 {
			text.WriteByte('\n')
		}
		below, err := sections(entry.fields, level+1)
		if err != nil {
			return "", err
		}
		text.WriteString(below)
	}
	return text.String(), nil
}

// sharedTypes describes the references, each once. Their paths start with a dot.
func (w *walker) sharedTypes() (string, error) {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(w.references)) {
		fmt.Fprintf(&text, "### %s\n\n%s\n\n", name, escape(w.source.types[name].text))
		fields, err := w.fieldsOf(w.references[name], "")
		if err != nil {
			return "", err
		}
		for _, entry := range fields {
			entry.path = "." + entry.path
			rules, err := facts(entry)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&text, "- `%s` (%s): %s\n", entry.path, strings.Join(rules, ", "), strings.ReplaceAll(escape(entry.doc.text), "\n", "\n  "))
		}
		text.WriteByte('\n')
	}
	return text.String(), nil
}

// constantTable lists the constants whose names start with a prefix.
func constantTable(constants []constant, prefix string) string {
	var text strings.Builder
	for _, candidate := range constants {
		if strings.HasPrefix(candidate.name, prefix) {
			fmt.Fprintf(&text, "| `%s` |%s |\n", candidate.value, strings.ReplaceAll(escape(meaning(candidate)), "\n", " "))
		}
	}
	return text.String()
}

// reasonList is every reason that the controllers give, in alphabetical order.
func reasonList(constants []constant) string {
	var names []string
	for _, candidate := range constants {
		if strings.HasPrefix(candidate.name, "reason") {
			names = append(names, "`"+candidate.value+"`")
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ",\n")
}

// meaning is a constant's comment without the Go name that it starts with.
func meaning(of constant) string {
	return strings.TrimPrefix(of.text, of.name)
}

// escape keeps Markdown from taking names such as KRB5* for emphasis or tags.
func escape(text string) string {
	return strings.NewReplacer("*", `\*`, "<", `\<`, "|", `\|`).Replace(text)
}

// anchor is the fragment that GitHub makes of a heading.
func anchor(heading string) string {
	keep := func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		case r == ' ':
			return '-'
		}
		return -1
	}
	return strings.Map(keep, strings.ToLower(heading))
}
