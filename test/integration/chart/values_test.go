// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// value is one line of the table: a value that is no map with documented parts.
type value struct {
	path, text, fallback string
}

// documented reads values.yaml: each value with the comment before it.
func documented(t *testing.T) (values []value) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var path, comment []string
	open := func(depth int) string { return strings.Join(path[:min(depth, len(path))], ".") }
	skipBelow := -1
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		trimmed := strings.TrimLeft(line, " ")
		depth := (len(line) - len(trimmed)) / 2
		switch {
		case trimmed == "":
			comment = nil
			continue
		case strings.HasPrefix(trimmed, "#"):
			comment = append(comment, strings.TrimSpace(strings.TrimPrefix(trimmed, "#")))
			continue
		}
		if skipBelow >= 0 && depth > skipBelow {
			continue
		}
		skipBelow = -1
		key, rest, _ := strings.Cut(trimmed, ":")
		prefix := open(depth)
		path = append(path[:min(depth, len(path))], key)
		full := strings.TrimPrefix(prefix+"."+key, ".")
		rest = strings.TrimSpace(rest)
		if rest == "" && key == "resources" {
			skipBelow, rest = depth, "requests only"
		}
		if rest != "" {
			values = append(values, value{full, strings.Join(comment, " "), rest})
		}
		comment = nil
	}
	return values
}

func valuesTable(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	out.WriteString("| Value | Default | |\n|---|---|---|\n")
	for _, v := range documented(t) {
		fmt.Fprintf(&out, "| `%s` | `%s` | %s |\n", v.path, v.fallback, v.text)
	}
	return out.String()
}

func TestTheTableOfTheReadmeIsThatOfTheValues(t *testing.T) {
	path := filepath.Join(chart, "README.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const begin = "<!-- values: `go test ./test/integration/chart -update` -->\n"
	before, _, found := strings.Cut(string(text), begin)
	if !found {
		t.Fatalf("%s has no %s", path, begin)
	}
	compare(t, path, before+begin+valuesTable(t))
}

// leaves are the paths of everything that is no map, or an empty one.
func leaves(tree map[string]any, prefix string, stop map[string]bool) (paths []string) {
	for key, item := range tree {
		path := strings.TrimPrefix(prefix+"."+key, ".")
		if inner, ok := item.(map[string]any); ok && len(inner) > 0 && !stop[path] {
			paths = append(paths, leaves(inner, path, stop)...)
			continue
		}
		paths = append(paths, path)
	}
	return paths
}

func TestEveryValueIsInTheSchemaAndDocumented(t *testing.T) {
	var values, schema map[string]any
	text, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	text, err = os.ReadFile(filepath.Join(chart, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	free := map[string]bool{"resources": true, "etcd.resources": true, "backup.resources": true}
	got := slices.Sorted(slices.Values(leaves(values, "", free)))
	want := slices.Sorted(slices.Values(properties(schema, "")))
	want = slices.DeleteFunc(want, func(path string) bool { return path == "global" }) // Helm's own
	if !reflect.DeepEqual(got, want) {
		t.Errorf("values.yaml has\n%v\nand the schema\n%v", got, want)
	}
	var table []string
	for _, v := range documented(t) {
		table = append(table, v.path)
	}
	if slices.Sort(table); !reflect.DeepEqual(got, table) {
		t.Errorf("values.yaml has\n%v\nand the table\n%v", got, table)
	}
}

// properties are the paths in a schema that have no properties of their own.
func properties(schema map[string]any, prefix string) (paths []string) {
	inner, _ := schema["properties"].(map[string]any)
	for _, key := range slices.Sorted(maps.Keys(inner)) {
		property, _ := inner[key].(map[string]any)
		path := strings.TrimPrefix(prefix+"."+key, ".")
		if below := properties(property, path); len(below) > 0 {
			paths = append(paths, below...)
			continue
		}
		paths = append(paths, path)
	}
	return paths
}
