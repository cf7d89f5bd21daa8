// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"net/http"
	"strings"
)

func metadataBehaviours() []behaviour {
	return []behaviour{
		{
			name: "a name is generated",
			peer: configMap,
			run: func(s *session) {
				a := s.do(http.MethodPost, s.all(), body(s.object("", with("files-", "metadata", "generateName"))))
				b := s.do(http.MethodPost, s.all(), body(s.object("", with("files-", "metadata", "generateName"))))
				one, _ := lookup(a.json, "metadata", "name").(string)
				other, _ := lookup(b.json, "metadata", "name").(string)
				s.note("%d: begins with the prefix: %t, of %d letters, unique: %t", a.code, strings.HasPrefix(one, "files-"), len(one), one != other)
			},
			want: []string{"201: begins with the prefix: true, of 11 letters, unique: true"},
		},
		{
			name: "a name goes before a prefix",
			peer: configMap,
			run: func(s *session) {
				a := s.send("create", http.MethodPost, s.all(), body(s.object("a", with("files-", "metadata", "generateName"))))
				s.note("name %v", lookup(a.json, "metadata", "name"))
			},
			want: []string{
				"create: 201 the object",
				"name a",
			},
		},
		{
			name: "a long prefix is cut to what a name may have",
			peer: configMap,
			run: func(s *session) {
				s.send("60 letters", http.MethodPost, s.all(), body(s.object("", with(strings.Repeat("x", 60), "metadata", "generateName"))))
			},
			want: []string{"60 letters: 201 the object"},
			differs: &difference{
				ours: []string{"60 letters: 422 Invalid"},
				why:  "names of Services and pods are made from that of a server, which therefore has at most 47 letters; the generator of the library cuts at 63",
			},
		},
		{
			name: "an object without a name is refused",
			peer: configMap,
			run: func(s *session) {
				s.send("create", http.MethodPost, s.all(), body(s.object("")), loose)
			},
			want: []string{"create: 422 Invalid"},
		},
		{
			name: "a name that cannot be a name is refused",
			peer: configMap,
			run: func(s *session) {
				s.send("Bad_Name", http.MethodPost, s.all(), body(s.object("Bad_Name")), loose)
				s.send("254 letters", http.MethodPost, s.all(), body(s.object(strings.Repeat("a", 254))), loose)
				s.send("a path", http.MethodPost, s.all(), body(s.object("a/b")), loose)
			},
			want: []string{
				"Bad_Name: 422 Invalid",
				"254 letters: 422 Invalid",
				"a path: 422 Invalid",
			},
		},
		{
			name: "a name with dots is taken",
			peer: configMap,
			run: func(s *session) {
				s.send("a.b", http.MethodPost, s.all(), body(s.object("a.b")))
			},
			want: []string{"a.b: 201 the object"},
			differs: &difference{
				ours: []string{"a.b: 422 Invalid"},
				why:  "Services are named after a server, and a Service has a DNS label for a name",
			},
		},
		{
			name: "another name or namespace in the body than in the path is refused",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.send("another namespace in a create", http.MethodPost, s.all(), body(s.object("b", with("default", "metadata", "namespace"))))
				s.send("another namespace in an update", http.MethodPut, s.at("a"), body(s.object("a", with("default", "metadata", "namespace"))))
				s.send("another name in an update", http.MethodPut, s.at("a"), body(s.object("b")))
				s.send("another name in a patch", http.MethodPatch, s.at("a"), patch(mergePatch, object{"metadata": object{"name": "b"}}))
			},
			want: []string{
				"another namespace in a create: 400 BadRequest",
				"another namespace in an update: 400 BadRequest",
				"another name in an update: 400 BadRequest",
				"another name in a patch: 400 BadRequest",
			},
		},
		{
			name: "a namespace that is missing is not found",
			peer: configMap,
			run: func(s *session) {
				path := s.kind.root + "/namespaces/missing/" + s.kind.resource
				s.send("create", http.MethodPost, path, body(s.object("a")))
				s.send("list", http.MethodGet, path)
			},
			want: []string{
				"create: 404 NotFound",
				"list: 200 a list of none",
			},
		},
		{
			name: "annotations have 256 KiB",
			peer: configMap,
			run: func(s *session) {
				s.send("200 KiB", http.MethodPost, s.all(), body(s.object("a", with(strings.Repeat("x", 200<<10), "metadata", "annotations", "a"))))
				s.send("257 KiB", http.MethodPost, s.all(), body(s.object("b", with(strings.Repeat("x", 257<<10), "metadata", "annotations", "a"))))
			},
			want: []string{
				"200 KiB: 201 the object",
				"257 KiB: 422 Invalid",
			},
		},
		{
			name: "labels, annotations and owners must be valid",
			peer: configMap,
			run: func(s *session) {
				owner := object{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "y", "controller": true}
				other := object{"apiVersion": "v1", "kind": "Pod", "name": "z", "uid": "z", "controller": true}
				s.send("a label", http.MethodPost, s.all(), body(s.object("a", with("no spaces", "metadata", "labels", "a"))))
				s.send("the key of an annotation", http.MethodPost, s.all(), body(s.object("a", with("x", "metadata", "annotations", "a/b/c"))))
				s.send("two controllers", http.MethodPost, s.all(), body(s.object("a", with([]any{owner, other}, "metadata", "ownerReferences"))))
				s.send("an owner without a UID", http.MethodPost, s.all(), body(s.object("a", with([]any{object{"apiVersion": "v1", "kind": "ConfigMap", "name": "x"}}, "metadata", "ownerReferences"))), loose)
				s.send("one controller", http.MethodPost, s.all(), body(s.object("a", with([]any{owner}, "metadata", "ownerReferences"))))
			},
			want: []string{
				"a label: 422 Invalid",
				"the key of an annotation: 422 Invalid",
				"two controllers: 422 Invalid",
				"an owner without a UID: 422 Invalid",
				"one controller: 201 the object",
			},
		},
	}
}
