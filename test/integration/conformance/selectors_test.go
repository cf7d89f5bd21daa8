// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"net/http"
	"strings"
)

// labelled makes a with color=red and b with color=blue.
func (s *session) labelled() {
	s.t.Helper()
	s.make("a", with("red", "metadata", "labels", "color"))
	s.make("b", with("blue", "metadata", "labels", "color"))
}

func selectorBehaviours() []behaviour {
	return []behaviour{
		{
			name: "labels select",
			peer: configMap,
			run: func(s *session) {
				s.labelled()
				for _, selector := range []string{"color=red", "color!=red", "color in (red,blue)", "color notin (red)", "color", "!color", "color=red,color=blue"} {
					s.send(selector, http.MethodGet, s.all(), query("labelSelector", selector))
				}
			},
			want: []string{
				"color=red: 200 a list of a",
				"color!=red: 200 a list of b",
				"color in (red,blue): 200 a list of a,b",
				"color notin (red): 200 a list of b",
				"color: 200 a list of a,b",
				"!color: 200 a list of none",
				"color=red,color=blue: 200 a list of none",
			},
		},
		{
			name: "metadata.name and metadata.namespace select",
			peer: configMap,
			run: func(s *session) {
				s.labelled()
				s.send("a name", http.MethodGet, s.all(), query("fieldSelector", "metadata.name=a"))
				s.send("all but a name", http.MethodGet, s.all(), query("fieldSelector", "metadata.name!=a"))
				s.send("the namespace", http.MethodGet, s.kind.root+"/"+s.kind.resource, query("fieldSelector", "metadata.namespace="+s.namespace))
				s.send("another namespace", http.MethodGet, s.all(), query("fieldSelector", "metadata.namespace=default"))
			},
			want: []string{
				"a name: 200 a list of a",
				"all but a name: 200 a list of b",
				"the namespace: 200 a list of a,b",
				"another namespace: 200 a list of none",
			},
		},
		{
			name: "a field that is not indexed is refused",
			peer: deployment,
			run: func(s *session) {
				s.send("list", http.MethodGet, s.all(), query("fieldSelector", "spec.replicas=1"), loose)
				s.send("watch", http.MethodGet, s.all(), query("fieldSelector", "spec.replicas=1", "watch", "true"), loose)
				s.send("delete", http.MethodDelete, s.all(), query("fieldSelector", "spec.replicas=1"), loose)
			},
			want: []string{
				"list: 400 BadRequest",
				"watch: 400 BadRequest",
				"delete: 400 BadRequest",
			},
		},
		{
			name: "a selector that cannot be read is refused",
			peer: configMap,
			run: func(s *session) {
				s.send("of labels", http.MethodGet, s.all(), query("labelSelector", "color in (red"))
				s.send("of fields", http.MethodGet, s.all(), query("fieldSelector", "metadata.name"))
				s.send("a value too long", http.MethodGet, s.all(), query("labelSelector", "color="+strings.Repeat("x", 64)))
			},
			want: []string{
				"of labels: 400 BadRequest",
				"of fields: 400 BadRequest",
				"a value too long: 400 BadRequest",
			},
		},
	}
}
