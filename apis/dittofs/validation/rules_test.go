// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

type object = map[string]any

// ruleTable is testdata/rules.yaml: what users read in docs/api/validation.md.
type ruleTable struct {
	Rules []rule `json:"rules"`
	// Free are the fields that take every value of their type.
	Free []string `json:"free"`
	// Elsewhere are the fields that others check, and where.
	Elsewhere map[string]string `json:"elsewhere"`
}

// rule is one row. Patches are merged, as kubectl patch --type=merge does it,
// over the least that a user writes.
type rule struct {
	Field string `json:"field"`
	Rule  string `json:"rule"`
	// Under lists the objects that have the field; patches and error are then
	// relative to each of them.
	Under []string `json:"under"`
	// Given is merged first, for every patch.
	Given object `json:"given"`
	// Old makes the row one about updates: what the spec was.
	Old object `json:"old"`
	// SetUp tells that the server has been set up when it is updated.
	SetUp bool `json:"setUp"`

	Accepted            object            `json:"accepted"`
	AcceptedName        string            `json:"acceptedName"`
	AcceptedAnnotations map[string]string `json:"acceptedAnnotations"`

	Refused     object `json:"refused"`
	RefusedName string `json:"refusedName"`
	// Warned is accepted with a warning, with Warns in it, instead of refused.
	Warned object `json:"warned"`
	Warns  string `json:"warns"`
	// Error is the path of the error or the warning, without spec.
	Error   string `json:"error"`
	Message string `json:"message"`
}

// placed are the rows as they run: one for each of the objects in Under.
func (r rule) placed() []rule {
	if len(r.Under) == 0 {
		return []rule{r}
	}
	var rules []rule
	for _, under := range r.Under {
		one := r
		one.Under, one.Field, one.Error = nil, under+"."+r.Field, under+"."+r.Error
		one.Old, one.Accepted, one.Refused, one.Warned = nested(under, r.Old), nested(under, r.Accepted), nested(under, r.Refused), nested(under, r.Warned)
		rules = append(rules, one)
	}
	return rules
}

func nested(path string, patch object) object {
	if patch == nil {
		return nil
	}
	for _, key := range slices.Backward(strings.Split(path, ".")) {
		patch = object{key: patch}
	}
	return patch
}

func (r rule) path() string {
	if strings.HasPrefix(r.Error, "metadata.") {
		return r.Error
	}
	return "spec." + r.Error
}

func loadRules(t *testing.T) *ruleTable {
	t.Helper()
	text, err := os.ReadFile("testdata/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	table := &ruleTable{}
	if err := yaml.UnmarshalStrict(text, table); err != nil {
		t.Fatal(err)
	}
	return table
}

func TestEveryRuleAcceptsAndRefuses(t *testing.T) {
	for _, row := range loadRules(t).Rules {
		for _, r := range row.placed() {
			t.Run(r.Field+"/"+r.Rule, func(t *testing.T) {
				accepted := r.accepted(t)
				if errs := r.validate(t, accepted); len(errs) > 0 {
					t.Errorf("what should be accepted is refused: %v", errs)
				}
				if r.Warned == nil {
					r.checkRefusal(t)
					return
				}
				if warnings := Warnings(accepted); len(warnings) > 0 {
					t.Errorf("what should be accepted without a warning has some: %q", warnings)
				}
				r.checkWarning(t)
			})
		}
	}
}

func (r rule) accepted(t *testing.T) *dittofsv1alpha1.DittoServer {
	server := r.server(t, r.AcceptedName, r.Old, r.Accepted)
	server.Annotations = r.AcceptedAnnotations
	return server
}

func (r rule) refused(t *testing.T) *dittofsv1alpha1.DittoServer {
	return r.server(t, r.RefusedName, r.Old, r.Refused)
}

func (r rule) checkRefusal(t *testing.T) {
	t.Helper()
	if r.Refused == nil && r.RefusedName == "" || r.Message == "" || r.Error == "" {
		t.Fatal("the row needs refused, error and message")
	}
	errs := r.validate(t, r.refused(t))
	if len(errs) != 1 {
		t.Fatalf("got %d errors, want one at %s: %v", len(errs), r.path(), errs)
	}
	if errs[0].Field != r.path() || !strings.Contains(errs[0].Error(), r.Message) {
		t.Errorf("got %q, want %q at %s", errs[0].Error(), r.Message, r.path())
	}
}

func (r rule) checkWarning(t *testing.T) {
	t.Helper()
	if r.Warns == "" || r.Error == "" {
		t.Fatal("the row needs error and warns")
	}
	server := r.server(t, "", r.Old, r.Warned)
	if errs := r.validate(t, server); len(errs) > 0 {
		t.Errorf("what should only be warned of is refused: %v", errs)
	}
	warnings := Warnings(server)
	if len(warnings) != 1 {
		t.Fatalf("got %d warnings, want one at %s: %q", len(warnings), r.path(), warnings)
	}
	if !strings.HasPrefix(warnings[0], r.path()+": ") || !strings.Contains(warnings[0], r.Warns) {
		t.Errorf("got %q, want %q at %s", warnings[0], r.Warns, r.path())
	}
}

// validate runs the rules in tags and those in Go, as the API server does.
func (r rule) validate(t *testing.T, server *dittofsv1alpha1.DittoServer) field.ErrorList {
	t.Helper()
	if r.Old == nil {
		return append(testScheme(t).Validate(t.Context(), nil, server), ValidateDittoServer(server)...)
	}
	old := r.server(t, "", r.Old)
	if r.SetUp {
		old.Status.ConfigHash = "set up"
	}
	return append(testScheme(t).ValidateUpdate(t.Context(), nil, server, old), ValidateDittoServerUpdate(server, old)...)
}

// server is the least that a user writes with patches over it, defaulted as the
// API server does it.
func (r rule) server(t *testing.T, name string, patches ...object) *dittofsv1alpha1.DittoServer {
	t.Helper()
	spec := object{"storage": object{"metadataSize": "10Gi"}}
	for _, patch := range append([]object{r.Given}, patches...) {
		spec = merge(spec, expand(patch).(object)).(object)
	}
	text, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	server := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Name: "files", Namespace: "team-a"}}
	if name != "" {
		server.Name = expand(name).(string)
	}
	if err := yaml.UnmarshalStrict(text, &server.Spec); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	testScheme(t).Default(server)
	dittofsv1alpha1.CompleteDefaults(server, nil)
	return server
}

func testScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := dittofsv1alpha1.Install(scheme); err != nil {
		t.Fatal(err)
	}
	return scheme
}

// merge is RFC 7386.
func merge(target, patch any) any {
	changes, ok := patch.(object)
	if !ok {
		return patch
	}
	merged, _ := target.(object)
	merged = maps.Clone(merged)
	if merged == nil {
		merged = object{}
	}
	for key, value := range changes {
		if value == nil {
			delete(merged, key)
		} else {
			merged[key] = merge(merged[key], value)
		}
	}
	return merged
}

// repeated is how the table writes long values: "<254 x a>" is 254 letters, and
// the list [{"<17 x>": {name: pull-#}}] has 17 items, # being their numbers.
var repeated = regexp.MustCompile(`<([0-9]+) x ?(.?)>`)

func expand(value any) any {
	switch value := value.(type) {
	case string:
		return repeated.ReplaceAllStringFunc(value, func(text string) string {
			parts := repeated.FindStringSubmatch(text)
			count, _ := strconv.Atoi(parts[1])
			return strings.Repeat(parts[2], count)
		})
	case object:
		expanded := object{}
		for key, child := range value {
			count, item := repetition(key)
			for i := range count {
				expanded[strings.ReplaceAll(item, "#", strconv.Itoa(i))] = numbered(child, i)
			}
			if count == 0 {
				expanded[key] = expand(child)
			}
		}
		return expanded
	case []any:
		var expanded []any
		for _, child := range value {
			if repeat, ok := child.(object); ok && len(repeat) == 1 {
				for key, item := range repeat {
					if count, _ := repetition(key); count > 0 {
						for i := range count {
							expanded = append(expanded, numbered(item, i))
						}
						child = nil
					}
				}
			}
			if child != nil {
				expanded = append(expanded, expand(child))
			}
		}
		return expanded
	}
	return value
}

// repetition reads the key "<65 x>key-#".
func repetition(key string) (count int, rest string) {
	parts := repeated.FindStringSubmatch(key)
	if parts == nil || parts[2] != "" || !strings.HasPrefix(key, parts[0]) {
		return 0, ""
	}
	count, _ = strconv.Atoi(parts[1])
	return count, key[len(parts[0]):]
}

func numbered(value any, number int) any {
	text, err := json.Marshal(value)
	if err != nil {
		panic(fmt.Sprintf("the table holds what is no JSON: %v", err))
	}
	var result any
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "#", strconv.Itoa(number))), &result); err != nil {
		panic(fmt.Sprintf("the table holds what is no JSON: %v", err))
	}
	return expand(result)
}
