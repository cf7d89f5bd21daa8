// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package fuzz

import (
	"encoding/json"
	"net/http"
	"testing"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// patchTypes are the ways to change an object in place, apply excepted.
var patchTypes = []types.PatchType{types.StrategicMergePatchType, types.MergePatchType, types.JSONPatchType}

// FuzzPatch takes bytes as a change to a stored object.
func FuzzPatch(f *testing.F) {
	for _, change := range patches {
		for i := range patchTypes {
			f.Add(uint8(i), []byte(change))
		}
	}
	for _, change := range jsonPatches {
		f.Add(uint8(2), []byte(change))
	}
	a := newAPI(f)
	stored := a.create(f, full)
	f.Fuzz(func(t *testing.T, kind uint8, change []byte) {
		a.try(t, stored, http.MethodPatch, "", string(patchTypes[int(kind)%len(patchTypes)]), change)
	})
}

// FuzzApply takes bytes as the intent of a server-side apply.
func FuzzApply(f *testing.F) {
	for _, document := range append(seeds(f), intents...) {
		f.Add(document, true)
	}
	f.Add([]byte(full), false)
	a := newAPI(f)
	stored := a.create(f, full)
	f.Fuzz(func(t *testing.T, intent []byte, force bool) {
		query := "fieldManager=fuzz"
		if force {
			query += "&force=true"
		}
		a.try(t, stored, http.MethodPatch, query, string(types.ApplyYAMLPatchType), intent)
	})
}

// FuzzPut takes bytes as what is to be in the place of a stored object.
func FuzzPut(f *testing.F) {
	for _, document := range seeds(f) {
		f.Add(document, false)
	}
	f.Add([]byte(full), true)
	a := newAPI(f)
	stored := a.create(f, full)
	f.Fuzz(func(t *testing.T, document []byte, strict bool) {
		query := "fieldValidation=Ignore"
		if strict {
			query = "fieldValidation=Strict"
		}
		a.try(t, stored, http.MethodPut, query, runtime.ContentTypeYAML, document)
	})
}

// try sends a change as a dry run first. If that is accepted, so is the change
// itself, with the same spec as its result; what is stored by then can be read
// in every form, putting it back writes nothing, and the same apply again leaves
// it as it is.
func (a *api) try(t *testing.T, stored []byte, method, query, mediaType string, body []byte) {
	t.Helper()
	dry := a.send(t, method, one+"?dryRun=All&"+query, mediaType, body)
	if dry.code >= http.StatusMultipleChoices {
		return
	}
	defer a.reset(t, stored)
	done := a.send(t, method, one+"?"+query, mediaType, body)
	if done.code != dry.code {
		t.Fatalf("the dry run is answered with %d, the change with %d: %s", dry.code, done.code, done.body)
	}
	if before, after := specOf(t, dry.body), specOf(t, done.body); before != after {
		t.Fatalf("the dry run promises\n%s\nand the change stores\n%s", before, after)
	}
	a.readable(t)
	read := a.send(t, http.MethodGet, one, "", nil)
	if read.object.ResourceVersion != done.object.ResourceVersion {
		t.Fatalf("the change is answered with resourceVersion %s, a read with %s", done.object.ResourceVersion, read.object.ResourceVersion)
	}
	back := a.send(t, http.MethodPut, one, runtime.ContentTypeJSON, read.body)
	if back.object.ResourceVersion != read.object.ResourceVersion {
		t.Fatalf("putting back what was read is answered with %d and changes it from\n%s\nto\n%s", back.code, read.body, back.body)
	}
	if mediaType != string(types.ApplyYAMLPatchType) {
		return
	}
	again := a.send(t, method, one+"?"+query, mediaType, body)
	if again.code != http.StatusOK || !apiequality.Semantic.DeepEqual(unrecorded(t, again.body), unrecorded(t, read.body)) {
		t.Fatalf("the same apply again is answered with %d and changes it from\n%s\nto\n%s", again.code, read.body, again.body)
	}
}

// readable asks for the object in each form that clients ask for.
func (a *api) readable(t *testing.T) {
	t.Helper()
	const as = "application/json;v=v1;g=meta.k8s.io;as="
	a.get(t, one, "application/yaml")
	a.get(t, one, as+"Table")
	a.get(t, one, as+"PartialObjectMetadata")
	a.get(t, collection, as+"Table")
	a.get(t, collection, as+"PartialObjectMetadataList")
	a.get(t, one+"/scale", runtime.ContentTypeJSON)
}

// unrecorded is an object without what the library records of a write. It renews
// the time of an apply that has an empty list, for every kind of Kubernetes,
// because what is read back has none.
func unrecorded(t *testing.T, body []byte) map[string]any {
	t.Helper()
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal(body, &object.Object); err != nil {
		t.Fatal(err)
	}
	object.SetManagedFields(nil)
	object.SetResourceVersion("")
	return object.Object
}

func specOf(t *testing.T, body []byte) string {
	t.Helper()
	var object struct {
		Spec json.RawMessage `json:"spec"`
	}
	if err := json.Unmarshal(body, &object); err != nil {
		t.Fatal(err)
	}
	return string(object.Spec)
}
