// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package class

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// limitRow is a row of testdata/limits.yaml.
type limitRow struct {
	Limit    dittofsv1alpha1.ClassLimits   `json:"limit"`
	Defaults dittofsv1alpha1.ClassDefaults `json:"defaults"`
	Allowed  map[string]any                `json:"allowed"`
	Refused  map[string]any                `json:"refused"`
	At       string                        `json:"at"`
	Message  string                        `json:"message"`
}

func (r limitRow) class() *dittofsv1alpha1.DittoServerClassSpec {
	class := &dittofsv1alpha1.DittoServerClass{Spec: dittofsv1alpha1.DittoServerClassSpec{Limits: r.Limit, Defaults: r.Defaults}}
	dittofsv1alpha1.SetObjectDefaults_DittoServerClass(class)
	return &class.Spec
}

func limitRows(t *testing.T) []limitRow {
	t.Helper()
	data, err := os.ReadFile("testdata/limits.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var rows []limitRow
	if err := yaml.UnmarshalStrict(data, &rows); err != nil {
		t.Fatal(err)
	}
	return rows
}

// specOf is a patch over the least that a user writes, with the fixed defaults.
func specOf(t *testing.T, patch map[string]any) *dittofsv1alpha1.DittoServerSpec {
	t.Helper()
	data, err := json.Marshal(patch)
	if err != nil {
		t.Fatal(err)
	}
	server := &dittofsv1alpha1.DittoServer{}
	if err := json.Unmarshal([]byte(`{"storage":{"metadataSize":"10Gi"}}`), &server.Spec); err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(data, &server.Spec); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	dittofsv1alpha1.CompleteDefaults(server, nil)
	return &server.Spec
}

func TestEachLimitAllowsAndRefuses(t *testing.T) {
	for _, row := range limitRows(t) {
		t.Run(row.At+"/"+row.Message, func(t *testing.T) {
			if got := Violations(specOf(t, row.Allowed), row.class()); len(got) > 0 {
				t.Errorf("what should be allowed is not: %v", got)
			}
			got := Violations(specOf(t, row.Refused), row.class())
			if len(got) != 1 || got[0].Path.String() != row.At || !strings.Contains(got[0].Allowed, row.Message) {
				t.Errorf("got %v, want one at %s: %s", got, row.At, row.Message)
			}
		})
	}
}

func TestWhatAServerHasAlreadyDoesNotStandInTheWayOfOtherChanges(t *testing.T) {
	for _, row := range limitRows(t) {
		t.Run(row.At+"/"+row.Message, func(t *testing.T) {
			before, after := specOf(t, row.Refused), specOf(t, row.Refused)
			after.Paused = true
			if got := New(Violations(after, row.class()), Violations(before, row.class())); len(got) > 0 {
				t.Errorf("a change of another field is refused: %v", got)
			}
			allowed := specOf(t, row.Allowed)
			if got := New(Violations(before, row.class()), Violations(allowed, row.class())); len(got) != 1 {
				t.Errorf("the change to what is not allowed passes: %v", got)
			}
		})
	}
}

func TestAnotherValueBeyondALimitIsRefusedAgain(t *testing.T) {
	class := limitRow{Limit: dittofsv1alpha1.ClassLimits{ExtraEnv: &dittofsv1alpha1.AllowedValues{}}}.class()
	env := func(names ...string) *dittofsv1alpha1.DittoServerSpec {
		var list []any
		for _, name := range names {
			list = append(list, map[string]any{"name": name})
		}
		return specOf(t, map[string]any{"extraEnv": list})
	}
	if got := New(Violations(env("B"), class), Violations(env("A", "B"), class)); len(got) > 0 {
		t.Errorf("one less is refused: %v", got)
	}
	if got := New(Violations(env("A", "B", "C"), class), Violations(env("A", "B"), class)); len(got) != 1 {
		t.Errorf("one more passes: %v", got)
	}
}

func TestAClassWithoutLimitsAllowsEverything(t *testing.T) {
	for _, row := range limitRows(t) {
		if got := Violations(specOf(t, row.Refused), limitRow{}.class()); len(got) > 0 {
			t.Errorf("%v", got)
		}
	}
}

// Every limit must have a row. Those on a whole namespace are in pkg/admission/classusage.
func TestEveryLimitHasARow(t *testing.T) {
	elsewhere := []string{"storage.maxNamespaceSize", "serversPerNamespace"}
	used := map[string]bool{}
	for _, row := range limitRows(t) {
		data, err := json.Marshal(row.Limit)
		if err != nil {
			t.Fatal(err)
		}
		var set map[string]any
		if err := json.Unmarshal(data, &set); err != nil {
			t.Fatal(err)
		}
		for name, value := range set {
			used[name] = true
			if object, ok := value.(map[string]any); ok {
				for inner := range object {
					used[name+"."+inner] = true
				}
			}
		}
	}
	limits := reflect.TypeFor[dittofsv1alpha1.ClassLimits]()
	for i := range limits.NumField() {
		name, _, _ := strings.Cut(limits.Field(i).Tag.Get("json"), ",")
		names := []string{name}
		if group := limits.Field(i).Type; group.Kind() == reflect.Struct {
			names = nil
			for j := range group.NumField() {
				inner, _, _ := strings.Cut(group.Field(j).Tag.Get("json"), ",")
				names = append(names, name+"."+inner)
			}
		}
		for _, name := range names {
			if !used[name] && !slices.Contains(elsewhere, name) {
				t.Errorf("no row is about limits.%s", name)
			}
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, value string
		want           bool
	}{
		{"a", "a", true}, {"a", "ab", false}, {"a", "", false},
		{"*", "", true}, {"*", "anything/at:all", true},
		{"a*", "a", true}, {"a*", "ba", false}, {"*a", "ba", true}, {"*a", "ab", false},
		{"a*a", "a", false}, {"a*a", "aa", true}, {"a*b*c", "aXbYc", true}, {"a*b*c", "aXcYb", false},
		{"**", "x", true}, {"a*bb", "abb", true}, {"a*bb", "ab", false}, {"a*ab", "aab", true}, {"", "", true},
	} {
		if got := matches(c.pattern, c.value); got != c.want {
			t.Errorf("%q matches %q: %v", c.pattern, c.value, got)
		}
	}
}

func TestStorageOfAServerIsAllThatItAsksFor(t *testing.T) {
	spec := specOf(t, map[string]any{
		"storage": map[string]any{"metadataSize": "10Gi", "contentSize": "20Gi"},
		"percona": map[string]any{"enabled": true, "replicas": 3, "storageSize": "5Gi"},
		"extraVolumes": []any{
			map[string]any{"name": "a", "ephemeral": map[string]any{"volumeClaimTemplate": map[string]any{"spec": map[string]any{"resources": map[string]any{"requests": map[string]any{"storage": "2Gi"}}}}}},
			map[string]any{"name": "b", "ephemeral": map[string]any{"volumeClaimTemplate": map[string]any{"spec": map[string]any{"resources": map[string]any{"requests": map[string]any{"storage": "-40Gi"}}}}}},
		},
	})
	// 10 metadata, 20 content, 1 controlplane by default, 3 times 5, 2; nothing makes room by being negative.
	if sum := StorageOf(spec); sum.String() != "48Gi" {
		t.Errorf("got %s", sum.String())
	}
}
