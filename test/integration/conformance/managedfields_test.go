// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"net/http"
	"strings"
)

func managedFieldsBehaviours() []behaviour {
	return []behaviour{
		{
			name: "each manager has an entry",
			peer: configMap,
			run: func(s *session) {
				s.do(http.MethodPost, s.all(), query("fieldManager", "creator"), body(s.object("a")))
				s.do(http.MethodPatch, s.at("a"), query("fieldManager", "patcher"), patch(mergePatch, object{"metadata": object{"labels": object{"a": "b"}}}))
				s.do(http.MethodPatch, s.at("a"), apply("applier", s.partial("a", with("d", "metadata", "annotations", "c"))))
				now := s.read("a")
				s.note("%v; the label is of %s, the annotation of %s", managersOf(now["metadata"].(object)),
					s.owners(now, "f:metadata", "f:labels", "f:a"), s.owners(now, "f:metadata", "f:annotations", "f:c"))
			},
			want: []string{"[applier:Apply creator:Update patcher:Update]; the label is of [patcher], the annotation of [applier]"},
		},
		{
			name: "an update without managed fields keeps them, an empty list clears them",
			peer: configMap,
			run: func(s *session) {
				s.do(http.MethodPatch, s.at("a"), apply("applier", s.object("a")))
				now := s.read("a")
				delete(now["metadata"].(object), "managedFields")
				kept := s.send("without", http.MethodPut, s.at("a"), query("fieldManager", "editor"), body(now))
				s.note("%v", managersOf(kept.json["metadata"].(object)))
				set(now, version(kept.json), "metadata", "resourceVersion")
				set(now, []any{object{}}, "metadata", "managedFields")
				cleared := s.send("with an empty entry", http.MethodPut, s.at("a"), query("fieldManager", "editor"), body(now))
				s.note("%v", managersOf(cleared.json["metadata"].(object)))
			},
			want: []string{
				"without: 200 the object",
				"[applier:Apply]",
				"with an empty entry: 200 the object",
				"[]",
			},
		},
		{
			name: "a patch can clear them too",
			peer: configMap,
			run: func(s *session) {
				s.do(http.MethodPatch, s.at("a"), apply("applier", s.object("a")))
				cleared := s.send("patch", http.MethodPatch, s.at("a"), patch(mergePatch, object{"metadata": object{"managedFields": []any{object{}}}}))
				s.note("%v", managersOf(cleared.json["metadata"].(object)))
			},
			want: []string{
				"patch: 200 the object",
				"[]",
			},
		},
		{
			name: "the name of a manager must be valid",
			peer: configMap,
			run: func(s *session) {
				s.send("129 letters", http.MethodPost, s.all(), query("fieldManager", strings.Repeat("x", 129)), body(s.object("a")))
				s.send("not printable", http.MethodPost, s.all(), query("fieldManager", "a\nb"), body(s.object("a")))
				s.make("a")
				s.send("in an apply", http.MethodPatch, s.at("a"), apply(strings.Repeat("x", 129), s.partial("a")))
			},
			want: []string{
				"129 letters: 422 Invalid",
				"not printable: 422 Invalid",
				"in an apply: 422 Invalid",
			},
		},
	}
}
