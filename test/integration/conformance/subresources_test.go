// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import "net/http"

// scale is a Scale of a.
func (s *session) scale(count int) object {
	return object{"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": object{"name": "a"}, "spec": object{"replicas": count}}
}

func subresourceBehaviours() []behaviour {
	return []behaviour{
		{
			name: "a scale shows and sets the number of replicas",
			peer: deployment,
			run: func(s *session) {
				s.make("a")
				scale := s.send("get", http.MethodGet, s.at("a", "scale"))
				s.note("replicas %v", lookup(scale.json, "spec", "replicas"))
				set(scale.json, 0, "spec", "replicas")
				updated := s.send("update", http.MethodPut, s.at("a", "scale"), body(scale.json))
				s.note("replicas %v", lookup(updated.json, "spec", "replicas"))
				s.send("an update of an old version", http.MethodPut, s.at("a", "scale"), body(scale.json))
				patched := s.send("merge patch", http.MethodPatch, s.at("a", "scale"), patch(mergePatch, object{"spec": object{"replicas": 1}}))
				s.note("replicas %v of the object %v", lookup(patched.json, "spec", "replicas"), lookup(s.read("a"), "spec", "replicas"))
				s.send("JSON patch", http.MethodPatch, s.at("a", "scale"), patch(jsonPatch, []any{object{"op": "replace", "path": "/spec/replicas", "value": 0}}))
				s.send("strategic merge patch", http.MethodPatch, s.at("a", "scale"), patch(strategicPatch, object{"spec": object{"replicas": 1}}))
			},
			want: []string{
				"get: 200 Scale",
				"replicas 1",
				"update: 200 Scale",
				"replicas <nil>",
				"an update of an old version: 409 Conflict",
				"merge patch: 200 Scale",
				"replicas 1 of the object 1",
				"JSON patch: 200 Scale",
				"strategic merge patch: 200 Scale",
			},
		},
		{
			name: "a scale is applied, and owned in the object",
			peer: deployment,
			run: func(s *session) {
				s.send("object", http.MethodPatch, s.at("a"), apply("one", s.object("a", with(1, "spec", "replicas"))))
				s.send("another manager", http.MethodPatch, s.at("a", "scale"), apply("two", s.scale(0)))
				s.send("forced", http.MethodPatch, s.at("a", "scale"), force, apply("two", s.scale(0)))
				s.note("owners %s", s.owners(s.read("a"), "f:spec", "f:replicas"))
			},
			want: []string{
				"object: 201 the object",
				"another manager: 409 Conflict",
				"forced: 200 Scale",
				"owners [two]",
			},
		},
		{
			name: "a scale that makes no sense is refused",
			peer: deployment,
			run: func(s *session) {
				s.make("a")
				s.send("less than none", http.MethodPut, s.at("a", "scale"), body(s.scale(-1)), loose)
				s.send("another kind", http.MethodPut, s.at("a", "scale"), body(s.object("a")), loose)
				s.send("of nobody", http.MethodGet, s.at("nobody", "scale"))
				s.send("an update of nobody", http.MethodPut, s.at("nobody", "scale"), body(object{
					"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": object{"name": "nobody"}, "spec": object{"replicas": 1},
				}))
				s.send("a dry run", http.MethodPut, s.at("a", "scale"), query("dryRun", "All"), body(s.scale(0)))
				s.note("replicas %v", lookup(s.read("a"), "spec", "replicas"))
				s.send("delete", http.MethodDelete, s.at("a", "scale"))
			},
			want: []string{
				"less than none: 422 Invalid",
				"another kind: 400 BadRequest",
				"of nobody: 404 NotFound",
				"an update of nobody: 404 NotFound",
				"a dry run: 200 Scale",
				"replicas 1",
				"delete: 405 MethodNotAllowed",
			},
		},
		{
			name: "two replicas are taken",
			peer: deployment,
			run: func(s *session) {
				s.make("a")
				s.send("update", http.MethodPut, s.at("a", "scale"), body(s.scale(2)))
			},
			want: []string{"update: 200 Scale"},
			differs: &difference{
				ours: []string{"update: 422 Invalid"},
				why:  "two dfs processes on the same volumes destroy data: a server has one replica or none",
			},
		},
		{
			name: "a scale comes as a table",
			peer: deployment,
			run: func(s *session) {
				s.make("a")
				// The columns are those of the library, not those of kube-apiserver's printers.
				s.send("get", http.MethodGet, s.at("a", "scale"), accept(asTable), loose)
			},
			want: []string{"get: 200 a Table of 1"},
		},
		{
			name: "the status is written by its subresource only",
			peer: deployment,
			run: func(s *session) {
				s.make("a", with(7, "status", "observedGeneration"))
				s.note("created: %v", lookup(s.read("a"), "status", "observedGeneration"))
				s.do(http.MethodPatch, s.at("a"), patch(mergePatch, object{"status": object{"observedGeneration": 7}}))
				s.note("patched: %v", lookup(s.read("a"), "status", "observedGeneration"))
				status := s.send("status", http.MethodPatch, s.at("a", "status"), patch(mergePatch, object{"status": object{"observedGeneration": 7}}))
				s.note("observed %v", lookup(status.json, "status", "observedGeneration"))
				before := lookup(status.json, "metadata", "generation")
				changed := s.send("another spec by the status", http.MethodPut, s.at("a", "status"), body(s.object("a", second)))
				s.note("the field stays: %t, the generation too: %t", lookup(changed.json, s.kind.field...) == s.kind.values[0], lookup(changed.json, "metadata", "generation") == before)
				s.send("get", http.MethodGet, s.at("a", "status"))
			},
			want: []string{
				"created: <nil>",
				"patched: <nil>",
				"status: 200 the object",
				"observed 7",
				"another spec by the status: 200 the object",
				"the field stays: true, the generation too: true",
				"get: 200 the object",
			},
		},
		{
			name: "the status may change finalizers and annotations",
			peer: deployment,
			run: func(s *session) {
				s.make("a")
				after := s.do(http.MethodPatch, s.at("a", "status"), patch(mergePatch, object{"metadata": object{
					"finalizers": []any{"example.com/hold"}, "annotations": object{"a": "b"}, "labels": object{"a": "b"},
				}})).json
				ownRecords(after["metadata"].(object))
				s.note("finalizers %v, annotations %v, labels %v", lookup(after, "metadata", "finalizers"), lookup(after, "metadata", "annotations"), lookup(after, "metadata", "labels"))
			},
			want: []string{"finalizers [example.com/hold], annotations map[a:b], labels <nil>"},
			differs: &difference{
				ours: []string{"finalizers <nil>, annotations <nil>, labels <nil>"},
				why:  "what a controller may write to the status should not reach what holds or describes the object; it is the rule of custom resources too",
			},
		},
		{
			name: "a subresource does not create its object",
			peer: deployment,
			run: func(s *session) {
				s.send("update of the status", http.MethodPut, s.at("nobody", "status"), body(s.object("nobody")))
				s.send("apply of the status", http.MethodPatch, s.at("nobody", "status"), apply("one", s.partial("nobody")))
				s.send("create of the status", http.MethodPost, s.at("nobody", "status"), body(s.object("nobody")))
				s.send("get of the status", http.MethodGet, s.at("nobody", "status"))
			},
			want: []string{
				"update of the status: 404 NotFound",
				"apply of the status: 404 NotFound",
				"create of the status: 405 MethodNotAllowed",
				"get of the status: 404 NotFound",
			},
		},
	}
}
