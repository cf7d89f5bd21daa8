// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"encoding/json"
	"net/http"
	"strings"

	"sigs.k8s.io/yaml"
)

const protobuf = "application/vnd.kubernetes.protobuf"

// jsonOnly is why protobuf is not spoken.
const jsonOnly = "our types have no protobuf, and a server that offers it without encoders stops every deletion of a namespace in the cluster; clients ask for JSON beside it"

func encodingBehaviours() []behaviour {
	return []behaviour{
		{
			name: "protobuf alone is served",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.send("get", http.MethodGet, s.at("a"), accept(protobuf))
				s.send("list", http.MethodGet, s.all(), accept(protobuf))
				s.send("metadata", http.MethodGet, s.all(), accept(protobuf+";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"))
				s.send("watch", http.MethodGet, s.all(), accept(protobuf+";stream=watch"), query("watch", "true", "timeoutSeconds", "1"))
			},
			want: []string{
				"get: 200 application/vnd.kubernetes.protobuf",
				"list: 200 application/vnd.kubernetes.protobuf",
				"metadata: 200 application/vnd.kubernetes.protobuf",
				"watch: 200 application/vnd.kubernetes.protobuf",
			},
			differs: &difference{
				ours: []string{
					"get: 406 refused",
					"list: 406 refused",
					"metadata: 406 NotAcceptable",
					"watch: 406 refused",
				},
				why: jsonOnly,
			},
		},
		{
			name: "a body of protobuf is read",
			peer: configMap,
			run: func(s *session) {
				s.send("create", http.MethodPost, s.all(), raw(protobuf, "k8s\x00nothing"))
			},
			want: []string{"create: 400 BadRequest"},
			differs: &difference{
				ours: []string{"create: 415 UnsupportedMediaType"},
				why:  jsonOnly,
			},
		},
		{
			name: "of several encodings the first that is known is taken",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.send("xml or JSON", http.MethodGet, s.at("a"), accept("application/xml,application/json"))
				s.send("YAML or JSON", http.MethodGet, s.at("a"), accept("application/yaml,application/json"))
				s.send("JSON by rank", http.MethodGet, s.at("a"), accept("application/yaml;q=0.5,application/json"))
				s.send("anything", http.MethodGet, s.at("a"), accept("*/*"))
				s.send("an application", http.MethodGet, s.at("a"), accept("application/*"))
				s.send("a metadata table of xml, or JSON", http.MethodGet, s.all(), accept("application/xml;as=Table;v=v1;g=meta.k8s.io,application/json"))
			},
			want: []string{
				"xml or JSON: 200 the object",
				"YAML or JSON: 200 application/yaml",
				"JSON by rank: 200 the object",
				"anything: 200 the object",
				"an application: 406 NotAcceptable",
				"a metadata table of xml, or JSON: 200 a list of a",
			},
		},
		{
			name: "protobuf or JSON is answered in the first",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.send("get", http.MethodGet, s.at("a"), accept(protobuf+",application/json"))
			},
			want: []string{"get: 200 application/vnd.kubernetes.protobuf"},
			differs: &difference{
				ours: []string{"get: 200 the object"},
				why:  "without protobuf the second is the first that is known",
			},
		},
		{
			name: "an encoding that is unknown is refused",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.send("get as xml", http.MethodGet, s.at("a"), accept("application/xml"), loose)
				s.send("get as CBOR", http.MethodGet, s.at("a"), accept("application/cbor"), loose)
				s.send("create by xml", http.MethodPost, s.all(), raw("application/xml", "<a/>"), loose)
				s.send("create by a form", http.MethodPost, s.all(), raw("application/x-www-form-urlencoded", "a=b"), loose)
			},
			want: []string{
				"get as xml: 406 NotAcceptable",
				"get as CBOR: 406 NotAcceptable",
				"create by xml: 415 UnsupportedMediaType",
				"create by a form: 415 UnsupportedMediaType",
			},
		},
		{
			name: "YAML is read and written",
			peer: configMap,
			run: func(s *session) {
				data, err := json.Marshal(s.object("a"))
				if err != nil {
					s.t.Fatal(err)
				}
				text, err := yaml.JSONToYAML(data)
				if err != nil {
					s.t.Fatal(err)
				}
				s.send("create", http.MethodPost, s.all(), raw("application/yaml", string(text)))
				a := s.send("get", http.MethodGet, s.at("a"), accept("application/yaml"))
				s.note("the kind is in it: %t", strings.Contains(string(a.body), "kind: "+s.kind.name))
			},
			want: []string{
				"create: 201 the object",
				"get: 200 application/yaml",
				"the kind is in it: true",
			},
		},
		{
			name: "JSON is indented on request",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.note("plain: %t", strings.Contains(string(s.do(http.MethodGet, s.at("a")).body), "\n  "))
				s.note("pretty: %t", strings.Contains(string(s.do(http.MethodGet, s.at("a"), query("pretty", "true")).body), "\n  "))
			},
			want: []string{
				"plain: false",
				"pretty: true",
			},
		},
		{
			name: "large answers are compressed",
			peer: configMap,
			run: func(s *session) {
				s.make("small")
				s.make("large", with(strings.Repeat("x", 200<<10), "metadata", "annotations", "a"))
				for _, name := range []string{"small", "large"} {
					a := s.do(http.MethodGet, s.at(name), header("Accept-Encoding", "gzip"))
					s.note("%s: %q", name, a.header.Get("Content-Encoding"))
				}
			},
			want: []string{
				`small: ""`,
				`large: "gzip"`,
			},
		},
	}
}
