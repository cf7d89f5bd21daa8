// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"sigs.k8s.io/yaml"
)

// warnings are those of fields that are unknown or stand twice. Ours may have others of what is in the fields.
func warnings(a answer) []string {
	var told []string
	for _, text := range a.header.Values("Warning") {
		if strings.Contains(text, "field ") {
			told = append(told, text)
		}
	}
	return told
}

func validationBehaviours() []behaviour {
	unknown := with("x", "nothing")
	// twice is an object in which one field stands two times.
	twice := func(s *session, name string) string {
		data, err := json.Marshal(s.object(name))
		if err != nil {
			s.t.Fatal(err)
		}
		return string(bytes.Replace(data, []byte(`{"apiVersion"`), []byte(`{"kind":"`+s.kind.name+`","apiVersion"`), 1))
	}
	levels := []string{"Strict", "Warn", "Ignore"}
	return []behaviour{
		{
			name: "unknown fields are refused, warned of, or ignored",
			peer: configMap,
			run: func(s *session) {
				for _, level := range append(levels, "") {
					a := s.send("create, "+level, http.MethodPost, s.all(), query("fieldValidation", level, "dryRun", "All"), body(s.object("a", unknown)))
					s.note("warnings %s", warnings(a))
				}
			},
			want: []string{
				"create, Strict: 400 BadRequest",
				"warnings []",
				"create, Warn: 201 the object",
				`warnings [299 - "unknown field \"nothing\""]`,
				"create, Ignore: 201 the object",
				"warnings []",
				"create, : 201 the object",
				`warnings [299 - "unknown field \"nothing\""]`,
			},
		},
		{
			name: "fields that stand twice are refused, warned of, or ignored",
			peer: configMap,
			run: func(s *session) {
				for _, level := range levels {
					a := s.send("create, "+level, http.MethodPost, s.all(), query("fieldValidation", level, "dryRun", "All"), raw("application/json", twice(s, "a")))
					s.note("warnings %s", warnings(a))
				}
			},
			want: []string{
				"create, Strict: 400 BadRequest",
				"warnings []",
				"create, Warn: 201 the object",
				`warnings [299 - "duplicate field \"kind\""]`,
				"create, Ignore: 201 the object",
				"warnings []",
			},
		},
		{
			name: "the same in updates and patches",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				for _, level := range levels {
					a := s.send("update, "+level, http.MethodPut, s.at("a"), query("fieldValidation", level), body(s.object("a", unknown)))
					s.note("warnings %s", warnings(a))
				}
				for _, kind := range []string{mergePatch, strategicPatch} {
					for _, level := range levels {
						a := s.send(kind+", "+level, http.MethodPatch, s.at("a"), query("fieldValidation", level), patch(kind, object{"nothing": "x"}), loose)
						s.note("warnings %s", warnings(a))
					}
				}
				s.send("a JSON patch, Strict", http.MethodPatch, s.at("a"), query("fieldValidation", "Strict"),
					patch(jsonPatch, []any{object{"op": "add", "path": "/nothing", "value": "x"}}), loose)
			},
			want: []string{
				"update, Strict: 400 BadRequest",
				"warnings []",
				"update, Warn: 200 the object",
				`warnings [299 - "unknown field \"nothing\""]`,
				"update, Ignore: 200 the object",
				"warnings []",
				"application/merge-patch+json, Strict: 422 Invalid",
				"warnings []",
				"application/merge-patch+json, Warn: 200 the object",
				`warnings [299 - "unknown field \"nothing\""]`,
				"application/merge-patch+json, Ignore: 200 the object",
				"warnings []",
				"application/strategic-merge-patch+json, Strict: 422 Invalid",
				"warnings []",
				"application/strategic-merge-patch+json, Warn: 200 the object",
				`warnings [299 - "unknown field \"nothing\""]`,
				"application/strategic-merge-patch+json, Ignore: 200 the object",
				"warnings []",
				"a JSON patch, Strict: 422 Invalid",
			},
		},
		{
			name: "the same in YAML",
			peer: configMap,
			run: func(s *session) {
				data, err := json.Marshal(s.object("a", unknown))
				if err != nil {
					s.t.Fatal(err)
				}
				text, err := yaml.JSONToYAML(data)
				if err != nil {
					s.t.Fatal(err)
				}
				for _, level := range levels {
					a := s.send("create, "+level, http.MethodPost, s.all(), query("fieldValidation", level, "dryRun", "All"), raw("application/yaml", string(text)))
					s.note("warnings %s", warnings(a))
				}
			},
			want: []string{
				"create, Strict: 400 BadRequest",
				"warnings []",
				"create, Warn: 201 the object",
				`warnings [299 - "unknown field \"nothing\""]`,
				"create, Ignore: 201 the object",
				"warnings []",
			},
		},
		{
			name: "an unknown level is refused",
			peer: configMap,
			run: func(s *session) {
				s.send("create", http.MethodPost, s.all(), query("fieldValidation", "Loud"), body(s.object("a")))
			},
			want: []string{"create: 422 Invalid"},
		},
	}
}
