// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"fmt"
	"net/http"
	"strings"
)

const (
	jsonPatch      = "application/json-patch+json"
	mergePatch     = "application/merge-patch+json"
	strategicPatch = "application/strategic-merge-patch+json"
	applyPatch     = "application/apply-patch+yaml"
)

func emptyDir(name string) object { return object{"name": name, "emptyDir": object{}} }

func fromConfigMap(name string) object {
	return object{"name": name, "configMap": object{"name": "source"}}
}

// volumesOf tells names and sources of the volumes of an object.
func (s *session) volumesOf(target object) string {
	var told []string
	volumes, _ := lookup(target, s.kind.volumes...).([]any)
	for _, volume := range volumes {
		for _, source := range []string{"emptyDir", "configMap"} {
			if value := lookup(volume, source); value != nil {
				told = append(told, fmt.Sprintf("%v:%s", lookup(volume, "name"), source))
			}
		}
	}
	return strings.Join(told, " ")
}

// inside makes an object that has a value at a path.
func inside(path []string, value any) object {
	target := object{}
	set(target, value, path...)
	return target
}

func patchBehaviours() []behaviour {
	volumes := func(s *session) change { return with([]any{emptyDir("one"), emptyDir("two")}, s.kind.volumes...) }
	return []behaviour{
		{
			name: "a JSON patch is carried out in order",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				field := pointer(s.kind.field)
				patched := s.send("test and replace", http.MethodPatch, s.at("a"), patch(jsonPatch, []any{
					object{"op": "test", "path": field, "value": s.kind.values[0]},
					object{"op": "replace", "path": field, "value": s.kind.values[1]},
					object{"op": "add", "path": "/metadata/labels", "value": object{"a": "b"}},
					object{"op": "copy", "from": "/metadata/labels/a", "path": "/metadata/labels/c"},
				}))
				s.note("the second value: %t, labels %v", lookup(patched.json, s.kind.field...) == s.kind.values[1], lookup(patched.json, "metadata", "labels"))
			},
			want: []string{
				"test and replace: 200 the object",
				"the second value: true, labels map[a:b c:b]",
			},
		},
		{
			name: "a JSON patch that cannot be carried out changes nothing",
			peer: configMap,
			run: func(s *session) {
				before := version(s.make("a"))
				field := pointer(s.kind.field)
				s.send("a test that fails", http.MethodPatch, s.at("a"), patch(jsonPatch, []any{
					object{"op": "replace", "path": field, "value": s.kind.values[1]},
					object{"op": "test", "path": field, "value": s.kind.values[0]},
				}), loose)
				s.send("a path that is not there", http.MethodPatch, s.at("a"), patch(jsonPatch, []any{object{"op": "remove", "path": "/metadata/labels/a"}}))
				s.send("an unknown operation", http.MethodPatch, s.at("a"), patch(jsonPatch, []any{object{"op": "dance", "path": field}}))
				s.send("no list", http.MethodPatch, s.at("a"), patch(jsonPatch, object{"op": "remove"}))
				s.send("no JSON", http.MethodPatch, s.at("a"), raw(jsonPatch, "["))
				s.note("the version stays: %t", version(s.read("a")) == before)
			},
			want: []string{
				"a test that fails: 422 Invalid",
				"a path that is not there: 422 Invalid",
				"an unknown operation: 422 Invalid",
				"no list: 400 BadRequest",
				"no JSON: 400 BadRequest",
				"the version stays: true",
			},
		},
		{
			name: "a JSON patch has at most 10000 operations",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				operation := `{"op":"add","path":"/metadata/labels","value":{}}`
				s.send("10001", http.MethodPatch, s.at("a"), raw(jsonPatch, "["+strings.Repeat(operation+",", 10000)+operation+"]"))
			},
			want: []string{"10001: 413 RequestEntityTooLarge"},
		},
		{
			name: "a merge patch sets, and removes by null",
			peer: configMap,
			run: func(s *session) {
				s.make("a", with("b", "metadata", "labels", "a"))
				patched := s.send("patch", http.MethodPatch, s.at("a"), patch(mergePatch, object{"metadata": object{"labels": object{"a": nil, "c": "d"}}}))
				s.note("labels %v", lookup(patched.json, "metadata", "labels"))
				s.send("the version it is based on", http.MethodPatch, s.at("a"), patch(mergePatch, object{"metadata": object{"resourceVersion": version(patched.json), "labels": object{"e": "f"}}}))
				s.send("an old version", http.MethodPatch, s.at("a"), patch(mergePatch, object{"metadata": object{"resourceVersion": version(patched.json), "labels": object{"g": "h"}}}))
			},
			want: []string{
				"patch: 200 the object",
				"labels map[c:d]",
				"the version it is based on: 200 the object",
				"an old version: 409 Conflict",
			},
		},
		{
			name: "a merge patch replaces lists",
			peer: deployment,
			run: func(s *session) {
				s.make("a", volumes(s))
				patched := s.send("patch", http.MethodPatch, s.at("a"), patch(mergePatch, inside(s.kind.volumes, []any{emptyDir("three")})))
				s.note("volumes %s", s.volumesOf(patched.json))
			},
			want: []string{
				"patch: 200 the object",
				"volumes three:emptyDir",
			},
		},
		{
			name: "a strategic merge patch merges lists by their key",
			peer: deployment,
			run: func(s *session) {
				s.make("a", volumes(s))
				patched := s.send("add", http.MethodPatch, s.at("a"), patch(strategicPatch, inside(s.kind.volumes, []any{emptyDir("three")})))
				s.note("volumes %s", s.volumesOf(patched.json))
				patched = s.send("delete", http.MethodPatch, s.at("a"), patch(strategicPatch, inside(s.kind.volumes, []any{object{"name": "one", "$patch": "delete"}})))
				s.note("volumes %s", s.volumesOf(patched.json))
				patched = s.send("replace", http.MethodPatch, s.at("a"), patch(strategicPatch, inside(s.kind.volumes, []any{emptyDir("four"), object{"$patch": "replace"}})))
				s.note("volumes %s", s.volumesOf(patched.json))
			},
			want: []string{
				"add: 200 the object",
				"volumes three:emptyDir one:emptyDir two:emptyDir",
				"delete: 200 the object",
				"volumes three:emptyDir two:emptyDir",
				"replace: 200 the object",
				"volumes four:emptyDir",
			},
		},
		{
			name: "a strategic merge patch keeps the keys it is told to, and the order",
			peer: deployment,
			run: func(s *session) {
				s.make("a", volumes(s))
				source := fromConfigMap("one")
				source["$retainKeys"] = []any{"name", "configMap"}
				patched := s.send("another source", http.MethodPatch, s.at("a"), patch(strategicPatch, inside(s.kind.volumes, []any{source})))
				s.note("volumes %s", s.volumesOf(patched.json))
				order := inside(s.kind.volumes[:len(s.kind.volumes)-1], object{
					"$setElementOrder/" + s.kind.volumes[len(s.kind.volumes)-1]: []any{object{"name": "two"}, object{"name": "one"}},
				})
				patched = s.send("order", http.MethodPatch, s.at("a"), patch(strategicPatch, order))
				s.note("volumes %s", s.volumesOf(patched.json))
			},
			want: []string{
				"another source: 200 the object",
				"volumes one:configMap two:emptyDir",
				"order: 200 the object",
				"volumes two:emptyDir one:configMap",
			},
		},
		{
			name: "patches that are none are refused",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.send("a merge patch that is a list", http.MethodPatch, s.at("a"), patch(mergePatch, []any{1}), loose)
				s.send("a strategic one that is half", http.MethodPatch, s.at("a"), raw(strategicPatch, "{"))
				s.send("a directive that is none", http.MethodPatch, s.at("a"), patch(strategicPatch, object{"$patch": "dance"}))
				s.send("of an unknown type", http.MethodPatch, s.at("a"), patch("application/x-patch", object{}))
				s.send("of no type", http.MethodPatch, s.at("a"), patch("application/json", object{}))
				s.send("force where it means nothing", http.MethodPatch, s.at("a"), query("force", "true"), patch(mergePatch, object{}))
				s.send("a word for an object", http.MethodPatch, s.at("a"), patch(mergePatch, object{"metadata": "x"}), loose)
			},
			want: []string{
				"a merge patch that is a list: 400 BadRequest",
				"a strategic one that is half: 400 BadRequest",
				"a directive that is none: 500 without a reason",
				"of an unknown type: 415 UnsupportedMediaType",
				"of no type: 415 UnsupportedMediaType",
				"force where it means nothing: 422 Invalid",
				"a word for an object: 422 Invalid",
			},
			differs: &difference{
				ours: []string{
					"a merge patch that is a list: 400 BadRequest",
					"a strategic one that is half: 400 BadRequest",
					"a directive that is none: 400 BadRequest",
					"of an unknown type: 415 UnsupportedMediaType",
					"of no type: 415 UnsupportedMediaType",
					"force where it means nothing: 422 Invalid",
					"a word for an object: 422 Invalid",
				},
				why: "the library gives this error no status, and it would be answered as a fault of the server (https://github.com/kubernetes/kubernetes/issues/79210); it is one of the request",
			},
		},
		{
			name: "a patch that changes nothing is not stored",
			peer: configMap,
			run: func(s *session) {
				before := version(s.make("a"))
				for _, kind := range []string{mergePatch, strategicPatch} {
					s.send(kind, http.MethodPatch, s.at("a"), patch(kind, inside(s.kind.field, s.kind.values[0])))
				}
				s.note("the version stays: %t", version(s.read("a")) == before)
			},
			want: []string{
				"application/merge-patch+json: 200 the object",
				"application/strategic-merge-patch+json: 200 the object",
				"the version stays: true",
			},
		},
	}
}
