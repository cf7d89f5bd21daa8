// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestChangedPaths(t *testing.T) {
	tests := []struct {
		name       string
		have, want string
		paths      []string
	}{
		{"equal objects have none", `{"a":{"b":1}}`, `{"a":{"b":1}}`, nil},
		{"absent and empty are the same", `{"a":{},"b":[],"c":null}`, `{}`, nil},
		{"the status does not count", `{"status":{"x":1}}`, `{}`, nil},
		{"what the API adds to claim templates does not count",
			`{"spec":{"volumeClaimTemplates":[{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"m","creationTimestamp":null},"status":{"phase":"Pending"}}]}}`,
			`{"spec":{"volumeClaimTemplates":[{"metadata":{"name":"m"}}]}}`, nil},
		{"a changed value is named", `{"a":[{"b":1}]}`, `{"a":[{"b":2}]}`, []string{"a[0].b"}},
		{"a missing and an additional field are named", `{"a":1}`, `{"b":1}`, []string{"a", "b"}},
		{"a list of another length is named as a whole", `{"a":[1]}`, `{"a":[1,2]}`, []string{"a"}},
		{"a key with dots is set apart", `{"m":{"x.io/y":"1"}}`, `{"m":{"x.io/y":"2"}}`, []string{"m[x.io/y]"}},
		{"an empty item of a list is an item", `{"a":[{}]}`, `{"a":[{},{}]}`, []string{"a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			have, err := toFields(json.RawMessage(tt.have))
			if err != nil {
				t.Fatal(err)
			}
			want, err := toFields(json.RawMessage(tt.want))
			if err != nil {
				t.Fatal(err)
			}
			if got := changedPaths(have, want); !slices.Equal(got, tt.paths) {
				t.Errorf("got %v, want %v", got, tt.paths)
			}
			if same := hash(have) == hash(want); same != (len(tt.paths) == 0) {
				t.Errorf("equal hashes: %t", same)
			}
		})
	}
}

func TestManyChangedPathsAreCutShort(t *testing.T) {
	have := map[string]string{}
	for _, k := range strings.Split("abcdefghijkl", "") {
		have[k] = "x"
	}
	h, err := toFields(have)
	if err != nil {
		t.Fatal(err)
	}
	w, err := toFields(map[string]string{"z": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if paths := changedPaths(h, w); len(paths) != maxPaths+1 || paths[maxPaths] != "and 5 more" {
		t.Errorf("got %v", paths)
	}
}

func TestDescribeOwner(t *testing.T) {
	tests := []struct {
		name string
		meta metav1.ObjectMeta
		want string
	}{
		{"a controller", metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "Deployment", Name: "d", Controller: new(true)}}},
			"controlled by Deployment d (apps/v1)"},
		{"another DittoServer", metav1.ObjectMeta{Labels: map[string]string{dittofsv1alpha1.LabelManagedBy: dittofsv1alpha1.ManagedBy, dittofsv1alpha1.LabelServer: "x"}},
			`made for the DittoServer "x"`},
		{"a tool", metav1.ObjectMeta{Labels: map[string]string{dittofsv1alpha1.LabelManagedBy: "Helm"}}, "managed by Helm"},
		{"field managers", metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "kubectl"}, {Manager: "kubectl"}, {Manager: "kcm", Subresource: "status"}}},
			"written by kubectl"},
		{"nobody", metav1.ObjectMeta{}, "of an unknown owner"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := DescribeOwner(&tt.meta); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
