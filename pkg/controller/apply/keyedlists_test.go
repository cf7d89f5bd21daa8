// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package apply

import (
	"encoding/json"
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestWhatIsOursOfAnObjectWithKeyedLists(t *testing.T) {
	const live = `{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a","namespace":"n","labels":{"ours":"1","theirs":"2"},"uid":"u"},
		"spec":{"size":3,"paused":true,"rules":[{"x":1},{"y":2}],
			"users":[{"name":"other"},{"name":"files","databases":["theirs","files"],"options":"x","grant":false}],
			"claim":{"requests":{"storage":"1Gi"},"mode":"Block"}}}`
	tests := []struct {
		name  string
		owned string
		want  string
	}{
		{"nothing but the name", `{}`, `{}`},
		{"single fields at any depth", `{"f:spec":{"f:size":{},"f:claim":{"f:requests":{"f:storage":{}}}}}`,
			`{"spec":{"size":3,"claim":{"requests":{"storage":"1Gi"}}}}`},
		{"one label of two", `{"f:metadata":{"f:labels":{".":{},"f:ours":{}}}}`, `{"metadata":{"labels":{"ours":"1"}}}`},
		{"a list that is one value, whole", `{"f:spec":{"f:rules":{}}}`, `{"spec":{"rules":[{"x":1},{"y":2}]}}`},
		{"one item of a keyed list, with our fields of it",
			`{"f:spec":{"f:users":{"k:{\"name\":\"files\"}":{".":{},"f:name":{},"f:grant":{},"f:databases":{"v:\"files\"":{}}}}}}`,
			`{"spec":{"users":[{"name":"files","grant":false,"databases":["files"]}]}}`},
		{"an item of which we have no single field, whole", `{"f:spec":{"f:users":{"k:{\"name\":\"other\"}":{}}}}`,
			`{"spec":{"users":[{"name":"other"}]}}`},
		{"nothing of what is gone by now", `{"f:spec":{"f:gone":{},"f:users":{"k:{\"name\":\"gone\"}":{".":{}}}}}`, `{"spec":{"users":[]}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			object := &unstructured.Unstructured{}
			if err := json.Unmarshal([]byte(live), object); err != nil {
				t.Fatal(err)
			}
			ours := metav1.ManagedFieldsEntry{Manager: dittofsv1alpha1.FieldManager, Operation: metav1.ManagedFieldsOperationApply,
				FieldsV1: metav1.NewFieldsV1(tt.owned)}
			theirs := ours
			theirs.Manager, theirs.FieldsV1 = "manager", metav1.NewFieldsV1(`{"f:spec":{"f:paused":{}}}`)
			object.SetManagedFields([]metav1.ManagedFieldsEntry{theirs, ours})
			want := map[string]any{}
			if err := utiljson.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			named := &unstructured.Unstructured{Object: want}
			named.SetAPIVersion("example.com/v1")
			named.SetKind("Thing")
			named.SetName("a")
			named.SetNamespace("n")
			got, err := UnstructuredKeyed(object.GroupVersionKind()).Extract(object)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
		})
	}
}
