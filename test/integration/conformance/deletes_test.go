// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import "net/http"

// preconditions are DeleteOptions with one.
func preconditions(field, value string) object {
	return object{"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": object{field: value}}
}

func deleteBehaviours() []behaviour {
	return []behaviour{
		{
			name: "a delete answers with what was deleted",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.send("delete", http.MethodDelete, s.at("a"))
				s.send("get", http.MethodGet, s.at("a"))
			},
			want: []string{
				"delete: 200 Success",
				"get: 404 NotFound",
			},
			differs: &difference{
				ours: []string{
					"delete: 200 the object",
					"get: 200 the object",
				},
				why: "our finalizer holds each server until its parts are torn down, as any object with a finalizer is held",
			},
		},
		{
			name: "without finalizers an object is gone at once",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.release("a")
				s.send("delete", http.MethodDelete, s.at("a"))
				s.send("get", http.MethodGet, s.at("a"))
				s.send("delete again", http.MethodDelete, s.at("a"))
			},
			want: []string{
				"delete: 200 Success",
				"get: 404 NotFound",
				"delete again: 404 NotFound",
			},
		},
		{
			name: "a delete obeys its preconditions",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.release("a")
				now := s.read("a")
				uid, _ := lookup(now, "metadata", "uid").(string)
				s.send("another UID", http.MethodDelete, s.at("a"), body(preconditions("uid", "1b4e28ba-2fa1-11d2-883f-0016d3cca427")))
				s.send("another version", http.MethodDelete, s.at("a"), body(preconditions("resourceVersion", "1")))
				right := preconditions("uid", uid)
				set(right, version(now), "preconditions", "resourceVersion")
				s.send("the right ones", http.MethodDelete, s.at("a"), body(right))
			},
			want: []string{
				"another UID: 409 Conflict",
				"another version: 409 Conflict",
				"the right ones: 200 Success",
			},
		},
		{
			name: "options that make no sense are refused",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				options := func(field string, value any) option {
					return body(object{"kind": "DeleteOptions", "apiVersion": "v1", field: value})
				}
				s.send("a propagation that is none", http.MethodDelete, s.at("a"), options("propagationPolicy", "Sideways"))
				s.send("two propagations", http.MethodDelete, s.at("a"),
					body(object{"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Orphan", "orphanDependents": true}))
				s.send("a dry run that is none", http.MethodDelete, s.at("a"), query("dryRun", "Half"))
				s.send("an unknown kind of options", http.MethodDelete, s.at("a"), body(object{"kind": "GetOptions", "apiVersion": "v1"}), loose)
				s.send("get", http.MethodGet, s.at("a"))
			},
			want: []string{
				"a propagation that is none: 422 Invalid",
				"two propagations: 422 Invalid",
				"a dry run that is none: 422 Invalid",
				"an unknown kind of options: 400 BadRequest",
				"get: 200 the object",
			},
		},
		{
			name: "a period of grace means nothing without a process to wait for",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.release("a")
				s.send("delete", http.MethodDelete, s.at("a"), query("gracePeriodSeconds", "30"))
				s.send("get", http.MethodGet, s.at("a"))
			},
			want: []string{
				"delete: 200 Success",
				"get: 404 NotFound",
			},
		},
	}
}
