// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// apply is the body of a server-side apply of one manager.
func apply(manager string, target object) option {
	return func(s *session, r *request) {
		query("fieldManager", manager)(s, r)
		patch(applyPatch, target)(s, r)
	}
}

var force = query("force", "true")

// partial is an object with nothing but its name.
func (s *session) partial(name string, changes ...change) object {
	target := object{"apiVersion": s.kind.apiVersion, "kind": s.kind.name, "metadata": object{"name": name}}
	for _, change := range changes {
		change(s, target)
	}
	return target
}

// owners are the managers of a path, such as f:spec f:image.
func (s *session) owners(target object, path ...string) string {
	var owners []string
	entries, _ := lookup(target, "metadata", "managedFields").([]any)
	for _, entry := range entries {
		node := entry.(object)
		if lookup(node["fieldsV1"], path...) != nil {
			owners = append(owners, fmt.Sprint(node["manager"]))
		}
	}
	slices.Sort(owners)
	return "[" + strings.Join(owners, " ") + "]"
}

func owned(path []string) []string {
	var prefixed []string
	for _, key := range path {
		prefixed = append(prefixed, "f:"+key)
	}
	return prefixed
}

func volumeKey(name string) string { return `k:{"name":"` + name + `"}` }

func applyBehaviours() []behaviour {
	return []behaviour{
		{
			name: "an apply creates, and repeated it writes nothing",
			peer: configMap,
			run: func(s *session) {
				first := s.send("create", http.MethodPatch, s.at("a"), apply("one", s.object("a")))
				again := s.send("again", http.MethodPatch, s.at("a"), apply("one", s.object("a")))
				s.note("the version stays: %t", version(first.json) == version(again.json))
				changed := s.send("change", http.MethodPatch, s.at("a"), apply("one", s.object("a", second)))
				s.note("the second value: %t", lookup(changed.json, s.kind.field...) == s.kind.values[1])
			},
			want: []string{
				"create: 201 the object",
				"again: 200 the object",
				"the version stays: true",
				"change: 200 the object",
				"the second value: true",
			},
		},
		{
			name: "another manager's field is a conflict, unless forced or the same",
			peer: configMap,
			run: func(s *session) {
				s.send("one", http.MethodPatch, s.at("a"), apply("one", s.object("a")))
				conflict := s.send("two, another value", http.MethodPatch, s.at("a"), apply("two", s.partial("a", second)))
				causes, _ := lookup(conflict.json, "details", "causes").([]any)
				s.note("causes: %d, %v of the field: %t", len(causes), lookup(causes[0], "reason"), lookup(causes[0], "field") == "."+strings.Join(s.kind.field, "."))
				shared := s.send("two, the same value", http.MethodPatch, s.at("a"), apply("two", s.partial("a", with(s.kind.values[0], s.kind.field...))))
				s.note("owners %s", s.owners(shared.json, owned(s.kind.field)...))
				forced := s.send("three, forced", http.MethodPatch, s.at("a"), force, apply("three", s.partial("a", second)), loose)
				s.note("owners %s", s.owners(forced.json, owned(s.kind.field)...))
			},
			want: []string{
				"one: 201 the object",
				"two, another value: 409 Conflict",
				"causes: 1, FieldManagerConflict of the field: true",
				"two, the same value: 200 the object",
				"owners [one two]",
				"three, forced: 200 the object",
				"owners [three]",
			},
		},
		{
			name: "what is no longer applied goes, unless another has it",
			peer: configMap,
			run: func(s *session) {
				s.send("one", http.MethodPatch, s.at("a"), apply("one", s.object("a", with("1", "metadata", "labels", "mine"), with("2", "metadata", "labels", "ours"))))
				s.send("two", http.MethodPatch, s.at("a"), apply("two", s.partial("a", with("2", "metadata", "labels", "ours"))))
				after := s.send("one, less", http.MethodPatch, s.at("a"), apply("one", s.object("a")))
				s.note("labels %v", lookup(after.json, "metadata", "labels"))
			},
			want: []string{
				"one: 201 the object",
				"two: 200 the object",
				"one, less: 200 the object",
				"labels map[ours:2]",
			},
		},
		{
			name: "an update takes fields over from an apply",
			peer: configMap,
			run: func(s *session) {
				s.send("apply", http.MethodPatch, s.at("a"), apply("one", s.object("a")))
				updated := s.send("update", http.MethodPut, s.at("a"), query("fieldManager", "editor"), body(s.object("a", second)), loose)
				s.note("owners %s", s.owners(updated.json, owned(s.kind.field)...))
				s.send("apply again", http.MethodPatch, s.at("a"), apply("one", s.object("a")))
			},
			want: []string{
				"apply: 201 the object",
				"update: 200 the object",
				"owners [editor]",
				"apply again: 409 Conflict",
			},
		},
		{
			name: "items of a list have owners of their own",
			peer: deployment,
			run: func(s *session) {
				s.send("one", http.MethodPatch, s.at("a"), apply("one", s.object("a", with([]any{emptyDir("one")}, s.kind.volumes...))))
				both := s.send("two", http.MethodPatch, s.at("a"), apply("two", s.partial("a", with([]any{emptyDir("two")}, s.kind.volumes...))))
				s.note("volumes %s, owners %s and %s", s.volumesOf(both.json),
					s.owners(both.json, append(owned(s.kind.volumes), volumeKey("one"))...), s.owners(both.json, append(owned(s.kind.volumes), volumeKey("two"))...))
				less := s.send("one, without", http.MethodPatch, s.at("a"), apply("one", s.object("a")))
				s.note("volumes %s", s.volumesOf(less.json))
			},
			want: []string{
				"one: 201 the object",
				"two: 200 the object",
				"volumes one:emptyDir two:emptyDir, owners [one] and [two]",
				"one, without: 200 the object",
				"volumes two:emptyDir",
			},
		},
		{
			name: "the object and its status have managers of their own",
			peer: deployment,
			run: func(s *session) {
				applied := s.send("object", http.MethodPatch, s.at("a"), apply("one", s.object("a", with(7, "status", "observedGeneration"))))
				s.note("observed %v, owners %s", lookup(applied.json, "status", "observedGeneration"), s.owners(applied.json, "f:status", "f:observedGeneration"))
				status := s.send("status", http.MethodPatch, s.at("a", "status"), force, apply("two",
					s.partial("a", second, with(7, "status", "observedGeneration"), with("b", "metadata", "labels", "a"))))
				s.note("observed %v, owners %s, of the field %s, managers %v", lookup(status.json, "status", "observedGeneration"),
					s.owners(status.json, "f:status", "f:observedGeneration"), s.owners(status.json, owned(s.kind.field)...), managersOf(status.json["metadata"].(object)))
			},
			want: []string{
				"object: 201 the object",
				"observed <nil>, owners []",
				"status: 200 the object",
				"observed 7, owners [two], of the field [one], managers [one:Apply two:Apply:status]",
			},
		},
		{
			name: "conditions of the status are merged by type",
			peer: deployment,
			run: func(s *session) {
				s.make("a")
				condition := func(kind string) change {
					return with([]any{object{"type": kind, "status": "True", "reason": "Fine", "message": "", "lastTransitionTime": "2026-01-02T03:04:05Z"}}, "status", "conditions")
				}
				s.send("one", http.MethodPatch, s.at("a", "status"), apply("one", s.partial("a", condition("Available"))))
				both := s.send("two", http.MethodPatch, s.at("a", "status"), apply("two", s.partial("a", condition("Progressing"))))
				conditions, _ := lookup(both.json, "status", "conditions").([]any)
				s.note("conditions: %d", len(conditions))
			},
			want: []string{
				"one: 200 the object",
				"two: 200 the object",
				"conditions: 2",
			},
		},
		{
			name: "an apply takes YAML",
			peer: configMap,
			run: func(s *session) {
				data, err := json.Marshal(s.object("a"))
				if err != nil {
					s.t.Fatal(err)
				}
				text, err := yaml.JSONToYAML(data)
				if err != nil {
					s.t.Fatal(err)
				}
				s.send("apply", http.MethodPatch, s.at("a"), query("fieldManager", "one"), raw(applyPatch, string(text)))
				s.send("no YAML", http.MethodPatch, s.at("a"), query("fieldManager", "one"), raw(applyPatch, "a: [b"))
			},
			want: []string{
				"apply: 201 the object",
				"no YAML: 400 BadRequest",
			},
		},
		{
			name: "an apply that makes no sense is refused",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.send("without a manager", http.MethodPatch, s.at("a"), patch(applyPatch, s.partial("a")))
				s.send("with managed fields", http.MethodPatch, s.at("a"), apply("one", s.partial("a", with([]any{object{"manager": "x"}}, "metadata", "managedFields"))))
				s.send("of another name", http.MethodPatch, s.at("a"), apply("one", s.partial("b")))
				s.send("of another kind", http.MethodPatch, s.at("a"), apply("one", s.partial("a", with("Secret", "kind"))))
				s.send("of another version", http.MethodPatch, s.at("a"), apply("one", s.partial("a", with("example.com/v1", "apiVersion"))))
				s.send("of an old version", http.MethodPatch, s.at("a"), apply("one", s.partial("a", with("1", "metadata", "resourceVersion"), with("b", "metadata", "labels", "a"))))
				s.send("of a field that is none", http.MethodPatch, s.at("a"), apply("one", s.partial("a", with("x", "nothing"))))
				s.send("with a UID that is another's", http.MethodPatch, s.at("a"), apply("one", s.partial("a", with("1b4e28ba-2fa1-11d2-883f-0016d3cca427", "metadata", "uid"))))
				s.send("of nobody with a version", http.MethodPatch, s.at("nobody"), apply("one", s.object("nobody", with("5", "metadata", "resourceVersion"))))
				s.send("as CBOR", http.MethodPatch, s.at("a"), query("fieldManager", "one"), raw("application/apply-patch+cbor", "\xd9\xd9\xf7\xa0"))
			},
			want: []string{
				"without a manager: 422 Invalid",
				"with managed fields: 400 BadRequest",
				"of another name: 400 BadRequest",
				"of another kind: 400 BadRequest",
				"of another version: 400 BadRequest",
				"of an old version: 409 Conflict",
				"of a field that is none: 500 without a reason",
				"with a UID that is another's: 422 Invalid",
				"of nobody with a version: 201 the object",
				"as CBOR: 415 UnsupportedMediaType",
			},
			differs: &difference{
				ours: []string{
					"without a manager: 422 Invalid",
					"with managed fields: 400 BadRequest",
					"of another name: 400 BadRequest",
					"of another kind: 400 BadRequest",
					"of another version: 400 BadRequest",
					"of an old version: 409 Conflict",
					"of a field that is none: 400 BadRequest",
					"with a UID that is another's: 422 Invalid",
					"of nobody with a version: 201 the object",
					"as CBOR: 415 UnsupportedMediaType",
				},
				why: "the library gives this error no status, and it would be answered as a fault of the server (https://github.com/kubernetes/kubernetes/issues/79210); it is one of the request",
			},
		},
	}
}
