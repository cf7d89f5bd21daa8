// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/ast"
	"slices"
	"testing"
)

func TestDefaultIsWhatTheServerStores(t *testing.T) {
	for path, want := range map[string]string{
		"spec.replicas":                   "1",
		"spec.storage.controlPlaneSize":   "1Gi", // set by a function, not by a marker
		"spec.storage.metadataSize":       "",
		"spec.database.type":              "sqlite",
		"spec.networkPolicy.enabled":      "true",
		"spec.metrics.port":               "9090", // below a pointer
		"spec.snapshotPolicies[].enabled": "true", // below a list
		"spec.percona.replicas":           "",     // only for a cluster that is made
	} {
		t.Run(path, func(t *testing.T) {
			got, err := defaultOf(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("got %q, wanted %q", got, want)
			}
		})
	}
}

func TestFacts(t *testing.T) {
	for name, test := range map[string]struct {
		path, comment string
		required      bool
		want          []string
	}{
		"a range and a default": {
			path: "spec.metrics.port", comment: "//+k8s:minimum=1\n+k8s:maximum=65535",
			want: []string{"string", "default `9090`", "1 to 65535"},
		},
		"a required field has no default": {
			path: "spec.storage.metadataSize", required: true,
			want: []string{"string", "required"},
		},
		"a merged list": {
			path: "spec.imagePullSecrets", comment: "//+listMapKey=name\n+k8s:maxItems=16",
			want: []string{"string", "at most 16 entries", "one for each name"},
		},
		"a field of the status has no rules for users": {
			path: "status.replicas", comment: "//+k8s:minimum=0",
			want: []string{"string"},
		},
		"a field that stays as it was created": {
			path: "spec.storage.storageClassName", comment: "//+k8s:immutable\n+k8s:maxLength=253",
			want: []string{"string", "at most 253 characters", "cannot be changed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			doc := readComment(&ast.CommentGroup{List: []*ast.Comment{{Text: test.comment}}})
			got, err := facts(&field{path: test.path, typeText: "string", required: test.required, doc: doc})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, wanted %q", got, test.want)
			}
		})
	}
}

func TestCommentIsTextWithoutMarkers(t *testing.T) {
	got := readComment(&ast.CommentGroup{List: []*ast.Comment{
		{Text: "// size of the volume,"}, {Text: "// it grows only."}, {Text: "// +k8s:listMapKey=a"}, {Text: "//+k8s:listMapKey=b"},
	}})
	if want := "size of the volume,\nit grows only."; got.text != want {
		t.Errorf("got text %q, wanted %q", got.text, want)
	}
	if keys := got.markers["k8s:listMapKey"]; !slices.Equal(keys, []string{"a", "b"}) {
		t.Errorf("got keys %q", keys)
	}
}
