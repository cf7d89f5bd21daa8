// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import "net/http"

func requestBehaviours() []behaviour {
	return []behaviour{
		{
			name: "a method that a path does not have is not allowed",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.send("POST of an object", http.MethodPost, s.at("a"), body(s.object("a")))
				s.send("PUT of a list", http.MethodPut, s.all(), body(s.object("a")))
				s.send("PATCH of a list", http.MethodPatch, s.all(), patch(mergePatch, object{}))
				s.send("HEAD of an object", http.MethodHead, s.at("a"))
				s.send("OPTIONS of a list", http.MethodOptions, s.all())
				s.send("an unknown method", "DANCE", s.at("a"))
			},
			want: []string{
				"POST of an object: 405 MethodNotAllowed",
				"PUT of a list: 405 MethodNotAllowed",
				"PATCH of a list: 405 MethodNotAllowed",
				"HEAD of an object: 405 nothing",
				"OPTIONS of a list: 405 MethodNotAllowed",
				"an unknown method: 405 MethodNotAllowed",
			},
		},
		{
			name: "a path that is none is not found",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.send("a subresource", http.MethodGet, s.at("a", "nothing"))
				s.send("a resource", http.MethodGet, s.kind.root+"/namespaces/"+s.namespace+"/nothings")
				s.send("deeper", http.MethodGet, s.at("a", "nothing", "more"))
			},
			want: []string{
				"a subresource: 404 NotFound",
				"a resource: 404 NotFound",
				"deeper: 404 NotFound",
			},
		},
		{
			name: "parameters that cannot be read are refused",
			peer: configMap,
			run: func(s *session) {
				s.make("a")
				s.send("a timeout that is none", http.MethodGet, s.at("a"), query("timeout", "soon"))
				s.send("a timeout of a list that is none", http.MethodGet, s.all(), query("timeoutSeconds", "soon"))
				s.send("a watch that is perhaps one", http.MethodGet, s.all(), query("watch", "perhaps", "timeoutSeconds", "1"))
				s.send("an unknown parameter", http.MethodGet, s.at("a"), query("nothing", "x"))
				s.send("a period of grace that is none", http.MethodDelete, s.at("a"), query("gracePeriodSeconds", "soon"))
			},
			want: []string{
				"a timeout that is none: 400 BadRequest",
				"a timeout of a list that is none: 400 BadRequest",
				"a watch that is perhaps one: 200 ",
				"an unknown parameter: 200 the object",
				"a period of grace that is none: 400 BadRequest",
			},
		},
		{
			name: "objects of all namespaces are listed, and not written",
			peer: configMap,
			run: func(s *session) {
				s.send("create", http.MethodPost, s.kind.root+"/"+s.kind.resource, body(s.object("a")))
				s.send("create with a namespace in the body", http.MethodPost, s.kind.root+"/"+s.kind.resource,
					body(s.object("a", with(s.namespace, "metadata", "namespace"))))
				s.send("get", http.MethodGet, s.kind.root+"/"+s.kind.resource+"/a")
				s.send("list", http.MethodGet, s.kind.root+"/"+s.kind.resource, query("fieldSelector", "metadata.namespace="+s.namespace))
			},
			want: []string{
				"create: 405 MethodNotAllowed",
				"create with a namespace in the body: 405 MethodNotAllowed",
				"get: 404 NotFound",
				"list: 200 a list of none",
			},
		},
	}
}
