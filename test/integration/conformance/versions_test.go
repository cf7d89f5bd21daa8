// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"fmt"
	"net/http"
)

// future is a version that will not come.
const future = "1000000000000"

func versionBehaviours() []behaviour {
	const match = "resourceVersionMatch"
	return []behaviour{
		{
			name: "a get takes any version that is not in the future",
			peer: configMap,
			run: func(s *session) {
				now := version(s.make("a"))
				s.send("the newest", http.MethodGet, s.at("a"))
				s.send("of this version or later", http.MethodGet, s.at("a"), query("resourceVersion", now))
				s.send("any", http.MethodGet, s.at("a"), query("resourceVersion", "0"))
				s.send("of the future", http.MethodGet, s.at("a"), query("resourceVersion", future))
				s.send("a word", http.MethodGet, s.at("a"), query("resourceVersion", "new"))
			},
			want: []string{
				"the newest: 200 the object",
				"of this version or later: 200 the object",
				"any: 200 the object",
				"of the future: 504 Timeout",
				"a word: 500 without a reason",
			},
		},
		{
			name: "a list is exactly of a version, or not older",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				early := version(s.make("b"))
				late := version(s.make("c"))
				exact := s.send("exactly the early one", http.MethodGet, s.all(), query("resourceVersion", early, match, "Exact"))
				s.note("of that version: %t", version(exact.json) == early)
				s.send("not older than the late one", http.MethodGet, s.all(), query("resourceVersion", late, match, "NotOlderThan"))
				s.send("the late one, no more said", http.MethodGet, s.all(), query("resourceVersion", late))
				s.send("the early one, in pages", http.MethodGet, s.all(), query("resourceVersion", early, match, "Exact", "limit", "1"))
			},
			want: []string{
				"exactly the early one: 200 a list of a,b",
				"of that version: true",
				"not older than the late one: 200 a list of a,b,c",
				"the late one, no more said: 200 a list of a,b,c",
				"the early one, in pages: 200 a list of a",
			},
		},
		{
			name: "a list of the future is not waited for",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				answer := s.send("not older than the future", http.MethodGet, s.all(), query("resourceVersion", future, match, "NotOlderThan"))
				s.note("causes: %v, retry after %s", lookup(answer.json, "details", "causes").([]any)[0].(object)["reason"], answer.header.Get("Retry-After"))
				s.send("exactly the future", http.MethodGet, s.all(), query("resourceVersion", future, match, "Exact"))
			},
			want: []string{
				"not older than the future: 504 Timeout",
				"causes: ResourceVersionTooLarge, retry after 1",
				"exactly the future: 504 Timeout",
			},
		},
		{
			name: "versions and matches must go together",
			peer: configMap,
			run: func(s *session) {
				s.send("a match without a version", http.MethodGet, s.all(), query(match, "Exact"))
				s.send("exactly any", http.MethodGet, s.all(), query(match, "Exact", "resourceVersion", "0"))
				s.send("an unknown match", http.MethodGet, s.all(), query(match, "Roughly", "resourceVersion", "5"))
				s.send("a word", http.MethodGet, s.all(), query("resourceVersion", "new"))
				s.send("a match in a watch", http.MethodGet, s.all(), query("watch", "true", match, "Exact", "resourceVersion", "5"))
			},
			want: []string{
				"a match without a version: 422 Invalid",
				"exactly any: 422 Invalid",
				"an unknown match: 422 Invalid",
				"a word: 400 BadRequest",
				"a match in a watch: 422 Invalid",
			},
		},
		{
			name: "versions grow by one clock for all objects of a kind",
			peer: configMap,
			run: func(s *session) {
				a, b := number(version(s.make("a"))), number(version(s.make("b")))
				changed := number(version(s.do(http.MethodPatch, s.at("a"), patch(mergePatch, object{"metadata": object{"labels": object{"x": "y"}}})).json))
				s.note("%s", fmt.Sprintf("a before b: %t, b before the change of a: %t", a < b, b < changed))
			},
			want: []string{"a before b: true, b before the change of a: true"},
		},
	}
}
