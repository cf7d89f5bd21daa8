// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/generated/openapi"
)

const root = "../.."

func rendered(t *testing.T) string {
	t.Helper()
	text, err := render(root)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPageIsUpToDate(t *testing.T) {
	current, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(current, []byte(rendered(t))) {
		t.Errorf("%s is not what the types and the template say: run 'make generate'", page)
	}
}

func TestRunTwiceWritesOnce(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{typesDir, reasonsDir} {
		copyGoFiles(t, filepath.Join(root, name), filepath.Join(dir, name))
	}
	target := filepath.Join(dir, page)
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := run(dir); err != nil {
		t.Fatal(err)
	}
	first, err := os.Stat(target)
	if err != nil {
		t.Fatal(err)
	}
	if err := run(dir); err != nil {
		t.Fatal(err)
	}
	if second, err := os.Stat(target); err != nil || !second.ModTime().Equal(first.ModTime()) {
		t.Errorf("the second run wrote the page again (%v)", err)
	}
}

// The OpenAPI definitions come from another generator: a field that it knows and
// the page does not is one that the walk over the Go types lost.
func TestEveryFieldOfTheSchemaIsOnThePage(t *testing.T) {
	text := rendered(t)
	definitions := openapi.GetOpenAPIDefinitions(func(name string) spec.Ref { return spec.MustCreateRef("#/definitions/" + name) })
	paths := schemaPaths(definitions, dittofsv1alpha1.DittoServerSpec{}.OpenAPIModelName(), "spec")
	paths = append(paths, schemaPaths(definitions, dittofsv1alpha1.DittoServerStatus{}.OpenAPIModelName(), "status")...)
	if len(paths) < 200 {
		t.Fatalf("only %d fields in the schema: the test no longer reads it", len(paths))
	}
	for _, path := range paths {
		heading := regexp.MustCompile(`(?m)^#{3,6} ` + regexp.QuoteMeta(path) + `$`)
		if count := len(heading.FindAllString(text, -1)); count != 1 {
			t.Errorf("%s has %d headings, wanted one", path, count)
		}
	}
	headings := regexp.MustCompile(`(?m)^#{3,6} (?:spec|status)\..*$`).FindAllString(text, -1)
	if len(headings) != len(paths) {
		t.Errorf("%d headings for %d fields", len(headings), len(paths))
	}
}

func TestEveryLinkOnThePageLeadsSomewhere(t *testing.T) {
	text := rendered(t)
	anchors := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(text, -1) {
		if anchors[anchor(heading[1])] {
			t.Errorf("two headings have the anchor %q: links reach only the first", anchor(heading[1]))
		}
		anchors[anchor(heading[1])] = true
	}
	for _, link := range regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(text, -1) {
		if !anchors[link[1]] {
			t.Errorf("#%s is no heading of the page", link[1])
		}
	}
}

// Labels and annotations are in the template. They are part of the API, so none may be missing.
func TestEveryWellKnownNameIsOnThePage(t *testing.T) {
	text := rendered(t)
	types, err := readSource(filepath.Join(root, typesDir))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, candidate := range types.constants {
		for _, prefix := range []string{"Label", "Annotation", "Condition", "Phase", "Finalizer"} {
			if !strings.HasPrefix(candidate.name, prefix) {
				continue
			}
			found++
			if !strings.Contains(text, "`"+candidate.value) {
				t.Errorf("%s (%s) is not on the page", candidate.name, candidate.value)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d constants found: the test no longer reads them", found)
	}
}

func TestPageShowsNoMarkers(t *testing.T) {
	for line := range strings.Lines(rendered(t)) {
		if strings.HasPrefix(line, "+") {
			t.Errorf("a marker is on the page: %s", line)
		}
	}
}

// schemaPaths lists the fields of a definition and of those of our own below it.
func schemaPaths(definitions map[string]common.OpenAPIDefinition, name, path string) []string {
	var result []string
	properties := definitions[name].Schema.Properties
	for _, property := range slices.Sorted(maps.Keys(properties)) {
		schema, child := properties[property], path+"."+property
		result = append(result, child)
		if schema.Items != nil {
			schema, child = *schema.Items.Schema, child+"[]"
		}
		below := strings.TrimPrefix(schema.Ref.String(), "#/definitions/")
		if strings.HasPrefix(below, "io.dittofs.v1alpha1.") && !strings.HasSuffix(below, "Reference") {
			result = append(result, schemaPaths(definitions, below, child)...)
		}
	}
	return result
}

func copyGoFiles(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o755); err != nil {
		t.Fatal(err)
	}
	paths, err := filepath.Glob(filepath.Join(from, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, filepath.Base(path)), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
