// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"net/http"
	"strings"
)

func objectBehaviours() []behaviour {
	return []behaviour{
		{
			name: "an object is created, read and updated",
			peer: configMap,
			run: func(s *session) {
				s.send("create", http.MethodPost, s.all(), body(s.object("a")))
				s.send("get", http.MethodGet, s.at("a"))
				updated := s.send("update", http.MethodPut, s.at("a"), body(s.object("a", second)))
				s.note("the field is the second value: %t", lookup(updated.json, s.kind.field...) == s.kind.values[1])
			},
			want: []string{
				"create: 201 the object",
				"get: 200 the object",
				"update: 200 the object",
				"the field is the second value: true",
			},
		},
		{
			name: "a create adds nothing that was not asked for",
			peer: deployment,
			run: func(s *session) {
				created := s.make("a")
				s.note("generation %v, finalizers %t, annotations %t", lookup(created, "metadata", "generation"),
					lookup(created, "metadata", "finalizers") != nil, lookup(created, "metadata", "annotations") != nil)
			},
			want: []string{"generation 1, finalizers false, annotations false"},
			differs: &difference{
				ours: []string{"generation 1, finalizers true, annotations true"},
				why:  "the finalizer keeps a server's name until its parts are torn down, and the annotation has the UID of the namespace, so that a new namespace of the same name does not inherit servers",
			},
		},
		{
			name: "a second create of a name is refused",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.send("create again", http.MethodPost, s.all(), body(s.object("a", second)))
			},
			want: []string{"create again: 409 AlreadyExists"},
		},
		{
			name: "what is not there is not found",
			peer: configMap,
			run: func(s *session) {
				s.send("get", http.MethodGet, s.at("nobody"))
				s.send("update", http.MethodPut, s.at("nobody"), body(s.object("nobody")))
				s.send("delete", http.MethodDelete, s.at("nobody"))
				s.send("patch", http.MethodPatch, s.at("nobody"), patch(mergePatch, object{}))
			},
			want: []string{
				"get: 404 NotFound",
				"update: 404 NotFound",
				"delete: 404 NotFound",
				"patch: 404 NotFound",
			},
		},
		{
			name: "a create with a resourceVersion is refused",
			peer: configMap,
			run: func(s *session) {
				s.send("create", http.MethodPost, s.all(), body(s.object("a", with("5", "metadata", "resourceVersion"))))
			},
			want: []string{"create: 500 without a reason"},
		},
		{
			name: "an update needs the latest version",
			peer: configMap,
			run: func(s *session) {
				first := version(s.make("a"))
				s.send("with the latest", http.MethodPut, s.at("a"), body(s.object("a", second, with(first, "metadata", "resourceVersion"))))
				s.send("with an old one", http.MethodPut, s.at("a"), body(s.object("a", with(first, "metadata", "resourceVersion"))))
				s.send("with none", http.MethodPut, s.at("a"), body(s.object("a")))
				s.send("with one that is none", http.MethodPut, s.at("a"), body(s.object("a", with("x", "metadata", "resourceVersion"))))
			},
			want: []string{
				"with the latest: 200 the object",
				"with an old one: 409 Conflict",
				"with none: 200 the object",
				"with one that is none: 500 without a reason",
			},
		},
		{
			name: "an update of another object of the same name is refused",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.send("with another UID", http.MethodPut, s.at("a"), body(s.object("a", with("1b4e28ba-2fa1-11d2-883f-0016d3cca427", "metadata", "uid"))))
			},
			want: []string{"with another UID: 409 Conflict"},
		},
		{
			name: "an update that changes nothing is not stored",
			peer: configMap,
			run: func(s *session) {
				created := s.make("a")
				updated := s.send("update", http.MethodPut, s.at("a"), body(created))
				s.note("the version stays: %t", version(updated.json) == version(created))
			},
			want: []string{
				"update: 200 the object",
				"the version stays: true",
			},
		},
		{
			name: "the generation counts changes of the spec",
			peer: deployment,
			run: func(s *session) {
				s.make("a")
				label := s.send("a label", http.MethodPatch, s.at("a"), patch(mergePatch, object{"metadata": object{"labels": object{"a": "b"}}}))
				s.note("generation %v", lookup(label.json, "metadata", "generation"))
				spec := s.send("the spec", http.MethodPut, s.at("a"), body(s.object("a", second, with(77, "metadata", "generation"))))
				s.note("generation %v", lookup(spec.json, "metadata", "generation"))
			},
			want: []string{
				"a label: 200 the object",
				"generation 1",
				"the spec: 200 the object",
				"generation 2",
			},
		},
		{
			name: "what the server decides cannot be set",
			peer: configMap,
			run: func(s *session) {
				const uid = "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
				created := s.send("create", http.MethodPost, s.all(), body(s.object("a",
					with(uid, "metadata", "uid"), with("2001-01-01T00:00:00Z", "metadata", "creationTimestamp"),
					with("2001-01-01T00:00:00Z", "metadata", "deletionTimestamp"), with("/a", "metadata", "selfLink"))))
				s.note("uid %t, creation %t, deletion %t", lookup(created.json, "metadata", "uid") == uid,
					lookup(created.json, "metadata", "creationTimestamp") == "2001-01-01T00:00:00Z", lookup(created.json, "metadata", "deletionTimestamp") != nil)
				updated := s.send("update", http.MethodPut, s.at("a"), body(s.object("a",
					with("2001-01-01T00:00:00Z", "metadata", "creationTimestamp"), with("2001-01-01T00:00:00Z", "metadata", "deletionTimestamp"))))
				s.note("creation %t, deletion %t", lookup(updated.json, "metadata", "creationTimestamp") == "2001-01-01T00:00:00Z",
					lookup(updated.json, "metadata", "deletionTimestamp") != nil)
			},
			want: []string{
				"create: 201 the object",
				"uid false, creation false, deletion false",
				"update: 422 Invalid",
				"creation false, deletion false",
			},
		},
		{
			name: "a body of another kind is refused",
			peer: configMap,
			run: func(s *session) {
				s.send("another kind", http.MethodPost, s.all(), body(s.object("a", with("Nothing", "kind"))))
				s.send("another group", http.MethodPost, s.all(), body(s.object("a", with("example.com/v1", "apiVersion"))))
				s.send("no kind", http.MethodPost, s.all(), body(s.object("a", with("", "kind"), with("", "apiVersion"))))
			},
			want: []string{
				"another kind: 400 BadRequest",
				"another group: 400 BadRequest",
				"no kind: 201 the object",
			},
		},
		{
			name: "a body that is no object is refused",
			peer: configMap,
			run: func(s *session) {
				s.send("nothing", http.MethodPost, s.all(), raw("application/json", ""))
				s.send("half of one", http.MethodPost, s.all(), raw("application/json", `{"kind":`), loose)
				s.send("a list", http.MethodPost, s.all(), raw("application/json", `[]`), loose)
				s.send("a word for an object", http.MethodPost, s.all(), body(s.object("a", with("x", s.kind.field[0]))), loose)
			},
			want: []string{
				"nothing: 400 BadRequest",
				"half of one: 400 BadRequest",
				"a list: 400 BadRequest",
				"a word for an object: 400 BadRequest",
			},
		},
		{
			name: "a body that is too large is refused",
			peer: configMap,
			run: func(s *session) {
				s.send("4 MiB", http.MethodPost, s.all(), body(s.object("a", with(strings.Repeat("x", 4<<20), "metadata", "annotations", "a"))))
			},
			want: []string{"4 MiB: 413 RequestEntityTooLarge"},
		},
		{
			name: "a stranger is forbidden",
			peer: configMap,
			run: func(s *session) {
				stranger := cluster.User(s.t, "stranger-of-"+s.namespace)
				s.send("get", http.MethodGet, s.at("a"), as(stranger))
				s.send("list", http.MethodGet, s.all(), as(stranger))
				s.send("create", http.MethodPost, s.all(), as(stranger), body(s.object("a")))
				s.send("delete all", http.MethodDelete, s.all(), as(stranger))
			},
			want: []string{
				"get: 403 Forbidden",
				"list: 403 Forbidden",
				"create: 403 Forbidden",
				"delete all: 403 Forbidden",
			},
		},
	}
}
