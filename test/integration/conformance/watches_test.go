// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import "net/http"

func watchBehaviours() []behaviour {
	label := func(s *session, name, value string) {
		s.do(http.MethodPatch, s.at(name), patch(mergePatch, object{"metadata": object{"labels": object{"color": value}}}))
	}
	return []behaviour{
		{
			name: "a watch tells of each change since a version",
			peer: configMap,
			run: func(s *session) {
				s.make("old")
				s.release("old")
				since := version(s.read("old"))
				w := s.watch("watch", query("resourceVersion", since))
				defer w.close()
				s.make("new")
				label(s, "new", "red")
				s.do(http.MethodDelete, s.at("old"))
				w.expect(3)
			},
			want: []string{"watch: ADDED new, MODIFIED new, DELETED old"},
		},
		{
			name: "a watch from any version begins with what is there",
			peer: configMap,
			run: func(s *session) {
				last := s.three()
				s.do(http.MethodGet, s.all(), query("resourceVersion", last))
				s.watch("any", query("resourceVersion", "0")).expect(3).close()
				s.watch("the newest").expect(3).close()
			},
			want: []string{
				"any: ADDED a, ADDED b, ADDED c",
				"the newest: ADDED a, ADDED b, ADDED c",
			},
		},
		{
			name:  "a watch of a version that is gone ends with an error",
			peer:  configMap,
			alone: true,
			run: func(s *session) {
				s.make("a")
				s.forget()
				s.watch("watch", query("resourceVersion", "1")).drain()
			},
			want: []string{"watch: ERROR 410 Expired, EOF"},
		},
		{
			name: "a watch that runs out of time ends, after a bookmark",
			peer: configMap,
			run: func(s *session) {
				since := version(s.make("a"))
				s.watch("with bookmarks", query("resourceVersion", since, "allowWatchBookmarks", "true", "timeoutSeconds", "5")).drain()
				s.watch("without", query("resourceVersion", since, "timeoutSeconds", "1")).drain()
			},
			want: []string{
				"with bookmarks: BOOKMARK, EOF",
				"without: EOF",
			},
		},
		{
			name: "a list can be streamed",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.make("b")
				w := s.watch("watch", query("sendInitialEvents", "true", "resourceVersionMatch", "NotOlderThan", "allowWatchBookmarks", "true"))
				defer w.close()
				w.expect(3)
				s.make("c")
				w.expect(1)
			},
			want: []string{
				"watch: ADDED a, ADDED b, BOOKMARK at the end of the initial events",
				"watch: ADDED c",
			},
		},
		{
			name: "a streamed list can be left out",
			peer: configMap,
			run: func(s *session) {
				since := version(s.make("a"))
				w := s.watch("watch", query("sendInitialEvents", "false", "resourceVersionMatch", "NotOlderThan", "allowWatchBookmarks", "true", "resourceVersion", since))
				defer w.close()
				s.make("b")
				w.expect(1)
			},
			want: []string{"watch: ADDED b"},
		},
		{
			name: "a streamed list needs the options that go with it",
			peer: configMap,
			run: func(s *session) {
				s.watch("no match", query("sendInitialEvents", "true", "allowWatchBookmarks", "true")).close()
				s.watch("another match", query("sendInitialEvents", "true", "allowWatchBookmarks", "true", "resourceVersionMatch", "Exact", "resourceVersion", "5")).close()
				s.send("in a list", http.MethodGet, s.all(), query("sendInitialEvents", "true", "resourceVersionMatch", "NotOlderThan"))
			},
			want: []string{
				"no match: 422 Invalid",
				"another match: 422 Invalid",
				"in a list: 422 Invalid",
			},
		},
		{
			name: "an object that leaves or joins a selection is deleted or added",
			peer: configMap,
			run: func(s *session) {
				s.make("a", with("red", "metadata", "labels", "color"))
				since := version(s.make("b", with("blue", "metadata", "labels", "color")))
				w := s.watch("watch", query("resourceVersion", since, "labelSelector", "color=red"))
				defer w.close()
				label(s, "a", "blue")
				label(s, "b", "red")
				label(s, "b", "blue")
				w.expect(3)
			},
			want: []string{"watch: DELETED a, ADDED b, DELETED b"},
		},
		{
			name: "a field selects events",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				since := version(s.make("b"))
				w := s.watch("watch", query("resourceVersion", since, "fieldSelector", "metadata.name=b"))
				defer w.close()
				label(s, "a", "red")
				label(s, "b", "red")
				w.expect(1)
			},
			want: []string{"watch: MODIFIED b"},
		},
		{
			name: "one object can be watched by the old path",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.make("b")
				path := s.kind.root + "/watch/namespaces/" + s.namespace + "/" + s.kind.resource + "/b"
				s.watchAt("watch", path, query("resourceVersion", "0")).expect(1).close()
			},
			want: []string{"watch: ADDED b"},
		},
		{
			name: "a watch comes as a table, or as metadata only",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				last := version(s.make("b"))
				s.do(http.MethodGet, s.all(), query("resourceVersion", last))
				s.watch("table", query("resourceVersion", "0"), accept(asTable)).expect(2).close()
				s.watch("metadata", query("resourceVersion", "0"), accept("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")).expect(2).close()
			},
			want: []string{
				"table: ADDED Table with columns true and 1 rows, ADDED Table with columns false and 1 rows",
				"metadata: ADDED a, ADDED b",
			},
		},
		{
			name: "options of a watch must be valid",
			peer: configMap,
			run: func(s *session) {
				s.watch("a version that is none", query("resourceVersion", "new")).close()
				s.watch("a timeout that is none", query("timeoutSeconds", "soon")).close()
				s.watch("a field that is none", query("fieldSelector", "nothing=1"), loose).close()
			},
			want: []string{
				"a version that is none: 500 without a reason",
				"a timeout that is none: 400 BadRequest",
				"a field that is none: 400 BadRequest",
			},
		},
	}
}
