// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import "net/http"

func dryRunBehaviours() []behaviour {
	dry := query("dryRun", "All")
	return []behaviour{
		{
			name: "a dry run answers as if, and stores nothing",
			peer: configMap,
			run: func(s *session) {
				s.send("create", http.MethodPost, s.all(), dry, body(s.object("ghost")))
				s.send("get", http.MethodGet, s.at("ghost"))
				s.make("a")
				s.release("a")
				before := version(s.read("a"))
				s.send("update", http.MethodPut, s.at("a"), dry, body(s.object("a", second)))
				s.send("merge patch", http.MethodPatch, s.at("a"), dry, patch(mergePatch, object{"metadata": object{"labels": object{"a": "b"}}}))
				s.send("apply", http.MethodPatch, s.at("a"), dry, query("fieldManager", "one", "force", "true"), patch(applyPatch, s.object("a", second)))
				s.send("apply a new one", http.MethodPatch, s.at("ghost"), dry, query("fieldManager", "one"), patch(applyPatch, s.object("ghost")))
				s.send("delete", http.MethodDelete, s.at("a"), dry)
				s.send("delete all", http.MethodDelete, s.all(), dry)
				s.note("the version stays: %t", version(s.read("a")) == before)
			},
			want: []string{
				"create: 201 the object",
				"get: 404 NotFound",
				"update: 200 the object",
				"merge patch: 200 the object",
				"apply: 200 the object",
				"apply a new one: 201 the object",
				"delete: 200 Success",
				"delete all: 200 a list of a",
				"the version stays: true",
			},
		},
		{
			name: "a dry run is refused as the real one",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.send("a create of what is there", http.MethodPost, s.all(), dry, body(s.object("a")))
				s.send("an update of an old version", http.MethodPut, s.at("a"), dry, body(s.object("a", second, with("1", "metadata", "resourceVersion"))))
				s.send("an update of what is not there", http.MethodPut, s.at("b"), dry, body(s.object("b")))
				s.send("a name that is none", http.MethodPost, s.all(), dry, body(s.object("Bad_Name")), loose)
			},
			want: []string{
				"a create of what is there: 409 AlreadyExists",
				"an update of an old version: 409 Conflict",
				"an update of what is not there: 404 NotFound",
				"a name that is none: 422 Invalid",
			},
		},
		{
			name: "a dry run is all or nothing",
			peer: configMap,
			run: func(s *session) {
				s.send("half", http.MethodPost, s.all(), query("dryRun", "Half"), body(s.object("a")))
				s.send("true", http.MethodPost, s.all(), query("dryRun", "true"), body(s.object("a")))
				s.send("get", http.MethodGet, s.at("a"))
			},
			want: []string{
				"half: 422 Invalid",
				"true: 422 Invalid",
				"get: 404 NotFound",
			},
		},
	}
}
