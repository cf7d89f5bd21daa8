// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"fmt"
	"net/http"
)

const asTable = "application/json;as=Table;v=v1;g=meta.k8s.io"

func tableBehaviours() []behaviour {
	metadata := "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
	metadataList := "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
	return []behaviour{
		{
			name: "a table has as much of each object as is asked for",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				for _, include := range []string{"None", "Metadata", "Object", ""} {
					table := s.send(include, http.MethodGet, s.all(), query("includeObject", include), accept(asTable))
					rows := table.json["rows"].([]any)
					s.note("the kind of the object is %s", s.plain(fmt.Sprint(lookup(rows[0], "object", "kind"))))
				}
				s.send("an unknown word", http.MethodGet, s.all(), query("includeObject", "Half"), accept(asTable))
			},
			want: []string{
				"None: 200 a Table of 1",
				"the kind of the object is <nil>",
				"Metadata: 200 a Table of 1",
				"the kind of the object is PartialObjectMetadata",
				"Object: 200 a Table of 1",
				"the kind of the object is KIND",
				": 200 a Table of 1",
				"the kind of the object is PartialObjectMetadata",
				"an unknown word: 400 BadRequest",
			},
		},
		{
			name: "one object is a table of one row, and an empty list one of none",
			peer: configMap,
			run: func(s *session) {
				empty := s.send("none", http.MethodGet, s.all(), accept(asTable))
				s.note("columns are told: %t", len(empty.json["columnDefinitions"].([]any)) > 0)
				now := version(s.make("a"))
				table := s.send("one", http.MethodGet, s.at("a"), accept(asTable))
				s.note("of the version of the object: %t", version(table.json) == now)
			},
			want: []string{
				"none: 200 a Table of 0",
				"columns are told: true",
				"one: 200 a Table of 1",
				"of the version of the object: true",
			},
		},
		{
			name: "a table comes in pages",
			peer: configMap,
			run: func(s *session) {
				s.three()
				first := s.send("first", http.MethodGet, s.all(), query("limit", "2"), accept(asTable))
				s.note("remaining %v", lookup(first.json, "metadata", "remainingItemCount"))
				s.send("last", http.MethodGet, s.all(), query("limit", "2", "continue", continueOf(first.json)), accept(asTable))
			},
			want: []string{
				"first: 200 a Table of 2",
				"remaining 1",
				"last: 200 a Table of 1",
			},
		},
		{
			name: "tables of old versions are served, of unknown ones not",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.send("v1beta1", http.MethodGet, s.all(), accept("application/json;as=Table;v=v1beta1;g=meta.k8s.io"))
				s.send("v9", http.MethodGet, s.all(), accept("application/json;as=Table;v=v9;g=meta.k8s.io"))
				s.send("v9, or else JSON", http.MethodGet, s.all(), accept("application/json;as=Table;v=v9;g=meta.k8s.io,application/json"))
			},
			want: []string{
				"v1beta1: 200 a Table of 1",
				"v9: 406 NotAcceptable",
				"v9, or else JSON: 200 a list of a",
			},
		},
		{
			name: "the answer to a write can be a table",
			peer: configMap,
			run: func(s *session) {
				s.send("create", http.MethodPost, s.all(), accept(asTable), body(s.object("a")))
				s.send("update", http.MethodPut, s.at("a"), accept(asTable), body(s.object("a", second)))
				s.release("a")
				s.send("delete", http.MethodDelete, s.at("a"), accept(asTable))
			},
			want: []string{
				"create: 201 a Table of 1",
				"update: 200 a Table of 1",
				"delete: 200 Success",
			},
		},
		{
			name: "metadata comes alone",
			peer: configMap,
			run: func(s *session) {
				s.make("a", with("b", "metadata", "labels", "a"))
				one := s.send("one", http.MethodGet, s.at("a"), accept(metadata))
				s.note("fields besides: %t, label %v", lookup(one.json, s.kind.field[0]) != nil, lookup(one.json, "metadata", "labels", "a"))
				s.send("a list", http.MethodGet, s.all(), accept(metadataList))
				s.send("a list as if it were one", http.MethodGet, s.all(), accept(metadata))
				s.send("one as if it were a list", http.MethodGet, s.at("a"), accept(metadataList))
				s.send("a patch", http.MethodPatch, s.at("a"), accept(metadata), patch(mergePatch, object{"metadata": object{"labels": object{"c": "d"}}}))
			},
			want: []string{
				"one: 200 PartialObjectMetadata",
				"fields besides: false, label b",
				"a list: 200 PartialObjectMetadataList of a",
				"a list as if it were one: 406 NotAcceptable",
				"one as if it were a list: 406 NotAcceptable",
				"a patch: 200 PartialObjectMetadata",
			},
		},
	}
}
