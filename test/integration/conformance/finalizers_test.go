// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package conformance_test

import "net/http"

func finalizerBehaviours() []behaviour {
	const hold = "example.com/hold"
	held := with([]any{hold}, "metadata", "finalizers")
	return []behaviour{
		{
			name: "a finalizer holds a deleted object",
			peer: configMap,
			run: func(s *session) {
				s.make("a", held)
				s.release("a")
				s.send("delete", http.MethodDelete, s.at("a"))
				s.send("delete again", http.MethodDelete, s.at("a"))
				deleted := s.read("a")
				s.note("deleted %t, grace %v, finalizers %v", lookup(deleted, "metadata", "deletionTimestamp") != nil,
					lookup(deleted, "metadata", "deletionGracePeriodSeconds"), lookup(deleted, "metadata", "finalizers"))
			},
			want: []string{
				"delete: 200 the object",
				"delete again: 200 the object",
				"deleted true, grace 0, finalizers [example.com/hold]",
			},
		},
		{
			name: "the last finalizer ends the object",
			peer: configMap,
			run: func(s *session) {
				s.make("a", held)
				s.release("a")
				s.send("delete", http.MethodDelete, s.at("a"))
				s.send("take it away", http.MethodPatch, s.at("a"), patch(mergePatch, object{"metadata": object{"finalizers": nil}}))
				s.send("get", http.MethodGet, s.at("a"))
			},
			want: []string{
				"delete: 200 the object",
				"take it away: 200 the object",
				"get: 404 NotFound",
			},
		},
		{
			name: "a deleted object gets no more finalizers, and can still be changed",
			peer: configMap,
			run: func(s *session) {
				s.make("a", held)
				s.release("a")
				s.send("delete", http.MethodDelete, s.at("a"))
				s.send("another finalizer", http.MethodPatch, s.at("a"), patch(mergePatch, object{"metadata": object{"finalizers": []any{hold, "example.com/more"}}}))
				s.send("a label", http.MethodPatch, s.at("a"), patch(mergePatch, object{"metadata": object{"labels": object{"a": "b"}}}))
			},
			want: []string{
				"delete: 200 the object",
				"another finalizer: 422 Invalid",
				"a label: 200 the object",
			},
		},
		{
			name: "a finalizer has a name",
			peer: configMap,
			run: func(s *session) {
				s.send("with spaces", http.MethodPost, s.all(), body(s.object("a", with([]any{"example.com/two words"}, "metadata", "finalizers"))))
			},
			want: []string{"with spaces: 422 Invalid"},
		},
		{
			name: "a finalizer without a domain is refused",
			peer: configMap,
			run: func(s *session) {
				s.send("create", http.MethodPost, s.all(), body(s.object("a", with([]any{"hold"}, "metadata", "finalizers"))))
			},
			want: []string{"create: 422 Invalid"},
			differs: &difference{
				ours: []string{"create: 201 the object"},
				why:  "only the kinds of kube-apiserver itself insist on it, for their old finalizers; the library and custom resources take any qualified name",
			},
		},
		{
			name: "how dependents are treated is a finalizer",
			peer: deployment,
			run: func(s *session) {
				for name, policy := range map[string]string{"a": "Orphan", "b": "Foreground"} {
					s.make(name)
					s.release(name)
					s.do(http.MethodDelete, s.at(name), query("propagationPolicy", policy))
				}
				s.note("orphan: %v", lookup(s.read("a"), "metadata", "finalizers"))
				s.note("foreground: %v", lookup(s.read("b"), "metadata", "finalizers"))
				s.make("c")
				s.release("c")
				s.send("background", http.MethodDelete, s.at("c"), query("propagationPolicy", "Background"))
			},
			want: []string{
				"orphan: [orphan]",
				"foreground: [foregroundDeletion]",
				"background: 200 Success",
			},
		},
		{
			name: "the words of old clients mean the same",
			peer: deployment,
			run: func(s *session) {
				s.make("a")
				s.release("a")
				s.send("delete", http.MethodDelete, s.at("a"), query("orphanDependents", "true"))
				s.note("finalizers %v", lookup(s.read("a"), "metadata", "finalizers"))
			},
			want: []string{
				"delete: 200 the object",
				"finalizers [orphan]",
			},
		},
		{
			name: "a finalizer that a user takes away is gone",
			peer: configMap,
			run: func(s *session) {
				s.make("a", held)
				after := s.send("patch", http.MethodPatch, s.at("a"), patch(mergePatch, object{"metadata": object{"finalizers": nil}}))
				s.note("finalizers %v", lookup(after.json, "metadata", "finalizers"))
			},
			want: []string{
				"patch: 200 the object",
				"finalizers <nil>",
			},
			differs: &difference{
				ours: []string{
					"patch: 200 the object",
					"finalizers [dittofs.io/teardown]",
				},
				why: "without our own finalizer, a delete would leave the running server behind: it goes from a deleted object only, or by the subresource finalize",
			},
		},
	}
}
