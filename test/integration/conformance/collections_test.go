// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import "net/http"

func collectionBehaviours() []behaviour {
	return []behaviour{
		{
			name: "what the selectors match is deleted",
			peer: configMap,
			run: func(s *session) {
				for _, name := range []string{"a", "b", "c", "d"} {
					s.make(name, with(map[bool]string{true: "red", false: "blue"}[name < "c"], "metadata", "labels", "color"))
					s.release(name)
				}
				s.send("of a label", http.MethodDelete, s.all(), query("labelSelector", "color=red"))
				s.send("left", http.MethodGet, s.all())
				s.send("of a name", http.MethodDelete, s.all(), query("fieldSelector", "metadata.name=c"))
				s.send("left", http.MethodGet, s.all())
				s.send("all", http.MethodDelete, s.all())
				s.send("left", http.MethodGet, s.all())
				s.send("none", http.MethodDelete, s.all())
			},
			want: []string{
				"of a label: 200 a list of a,b",
				"left: 200 a list of c,d",
				"of a name: 200 a list of c",
				"left: 200 a list of d",
				"all: 200 a list of d",
				"left: 200 a list of none",
				"none: 200 a list of none",
			},
		},
		{
			name: "options count for each object",
			peer: deployment,
			run: func(s *session) {
				s.make("a")
				s.release("a")
				s.send("orphan", http.MethodDelete, s.all(), body(object{"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Orphan"}))
				s.note("finalizers %v", lookup(s.read("a"), "metadata", "finalizers"))
			},
			want: []string{
				"orphan: 200 a list of a",
				"finalizers [orphan]",
			},
		},
		{
			name: "not across namespaces",
			peer: configMap,
			run: func(s *session) {
				s.send("delete", http.MethodDelete, s.kind.root+"/"+s.kind.resource)
			},
			want: []string{"delete: 405 MethodNotAllowed"},
		},
	}
}
