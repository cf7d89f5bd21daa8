// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// route is a path of the dfs API that is passed on. A segment {x} stands for any name or UUID.
type route struct {
	path    string
	methods []string
	// query are the parameters that are passed on.
	query []string
}

const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	patch  = http.MethodPatch
	remove = http.MethodDelete
)

// allowed is the list, in the order of docs/api/proxy.md, which a test compares with it. The first that fits a path is the
// one. What is not on it is refused: a route that a later dfs adds is not open by accident.
var allowed = []route{
	{path: "health", methods: []string{get}},
	{path: "health/ready", methods: []string{get}},

	{path: "api/v1/adapters", methods: []string{get}},
	{path: "api/v1/adapters/ports", methods: []string{get}},
	{path: "api/v1/adapters/{type}", methods: []string{get, put}},
	{path: "api/v1/adapters/{type}/status", methods: []string{get}},
	{path: "api/v1/adapters/{type}/mounts", methods: []string{get}},
	{path: "api/v1/adapters/{type}/settings", methods: []string{get, put, patch}, query: []string{"dry_run", "force"}},
	{path: "api/v1/adapters/{type}/settings/defaults", methods: []string{get}},
	{path: "api/v1/adapters/{type}/settings/reset", methods: []string{post}, query: []string{"setting"}},
	{path: "api/v1/adapters/nfs/netgroups", methods: []string{get, post}},
	{path: "api/v1/adapters/nfs/netgroups/{netgroup}", methods: []string{get, remove}},
	{path: "api/v1/adapters/nfs/netgroups/{netgroup}/members", methods: []string{post}},
	{path: "api/v1/adapters/nfs/netgroups/{netgroup}/members/{id}", methods: []string{remove}},

	{path: "api/v1/store/metadata", methods: []string{get, post}},
	{path: "api/v1/store/metadata/{store}", methods: []string{get, remove}},
	{path: "api/v1/store/metadata/{store}/status", methods: []string{get}},
	{path: "api/v1/store/metadata/{store}/health", methods: []string{get}},
	{path: "api/v1/store/block/{kind}", methods: []string{get, post}},
	{path: "api/v1/store/block/{kind}/{store}", methods: []string{get, put, remove}},
	{path: "api/v1/store/block/{kind}/{store}/status", methods: []string{get}},
	{path: "api/v1/store/block/{kind}/{store}/health", methods: []string{get}},

	{path: "api/v1/shares", methods: []string{get, post}},
	{path: "api/v1/shares/{share}", methods: []string{get, put, remove}},
	{path: "api/v1/shares/{share}/status", methods: []string{get}},
	{path: "api/v1/shares/{share}/enable", methods: []string{post}},
	{path: "api/v1/shares/{share}/disable", methods: []string{post}},
	{path: "api/v1/shares/{share}/adapters/nfs/config", methods: []string{get, patch}},
	{path: "api/v1/shares/{share}/permissions", methods: []string{get}},
	{path: "api/v1/shares/{share}/permissions/users/{user}", methods: []string{put, remove}},
	{path: "api/v1/shares/{share}/permissions/groups/{group}", methods: []string{put, remove}},
	{path: "api/v1/shares/{share}/permissions/sids/{sid}", methods: []string{put, remove}},
	{path: "api/v1/shares/{share}/quotas", methods: []string{get}},
	{path: "api/v1/shares/{share}/quotas/{scope}/{id}", methods: []string{get, put, remove}},
	{path: "api/v1/shares/{share}/snapshots", methods: []string{get, post}},
	{path: "api/v1/shares/{share}/snapshots/{id}", methods: []string{get, remove}},
	{path: "api/v1/shares/{share}/snapshots/{id}/restore", methods: []string{post}},
	{path: "api/v1/shares/{share}/snapshot-policy", methods: []string{get, put, remove}},
	{path: "api/v1/shares/{share}/snapshot-policy/run", methods: []string{post}},
	{path: "api/v1/shares/{share}/trash", methods: []string{get}},
	{path: "api/v1/shares/{share}/trash/status", methods: []string{get}},
	{path: "api/v1/shares/{share}/trash/restore", methods: []string{post}},
	{path: "api/v1/shares/{share}/trash/empty", methods: []string{post}},
	{path: "api/v1/shares/{share}/blockstore/stats", methods: []string{get}},
	{path: "api/v1/shares/{share}/blockstore/gc", methods: []string{post}},
	{path: "api/v1/shares/{share}/blockstore/gc/{job}", methods: []string{get}},
	{path: "api/v1/shares/{share}/blockstore/gc-status", methods: []string{get}},
	{path: "api/v1/shares/{share}/blockstore/warm", methods: []string{post}},
	{path: "api/v1/shares/{share}/blockstore/warm/{job}", methods: []string{get}},
	{path: "api/v1/shares/{share}/blockstore/evict", methods: []string{post}},
	{path: "api/v1/shares/{share}/audit/refcounts", methods: []string{post}},
	{path: "api/v1/snapshot-policies", methods: []string{get}},

	{path: "api/v1/blockstore/stats", methods: []string{get}},
	{path: "api/v1/blockstore/evict", methods: []string{post}},
	{path: "api/v1/blockstore/reconcile-report", methods: []string{get}},
	{path: "api/v1/blockstore/reconcile/reclaim", methods: []string{post}},
	{path: "api/v1/system/drain-uploads", methods: []string{post}},

	{path: "api/v1/clients", methods: []string{get}, query: []string{"protocol", "share"}},
	{path: "api/v1/clients/{client}", methods: []string{remove}},
	{path: "api/v1/mounts", methods: []string{get}},
	{path: "api/v1/durable-handles", methods: []string{get}, query: []string{"share"}},
	{path: "api/v1/durable-handles/{id}", methods: []string{remove}},

	{path: "api/v1/users", methods: []string{get}},
	{path: "api/v1/users/{user}", methods: []string{get}},
	{path: "api/v1/groups", methods: []string{get}},
	{path: "api/v1/groups/{group}", methods: []string{get}},
	{path: "api/v1/groups/{group}/members", methods: []string{get}},
	{path: "api/v1/identity-providers", methods: []string{get}},
	{path: "api/v1/identity-providers/{type}/config", methods: []string{get}},
	{path: "api/v1/identity-mappings", methods: []string{get}},
	{path: "api/v1/identity-mappings/users/{user}", methods: []string{get}},
	{path: "api/v1/sid-mappings", methods: []string{get}},
	{path: "api/v1/netlogon/status", methods: []string{get}},

	{path: "api/v1/settings/machine_sid", methods: []string{get}},
	{path: "api/v1/settings/discovery.name", methods: []string{get, put, remove}},
}

// refusal is why paths that begin with one are not passed on.
type refusal struct{ path, why string }

var refused = []refusal{
	{"api/v1/auth", "a session would outlive your rights; create dittoservers/credentials for a token"},
	{"api/v1/users", "who can make accounts or set passwords makes admins; use an admin's token"},
	{"api/v1/groups", "groups decide who reads what, in every share; use an admin's token"},
	{"api/v1/identity-providers", "they decide who is who; set spec.identity"},
	{"api/v1/identity-mappings", "they decide who is who; use an admin's token"},
	{"api/v1/sid-mappings", "they decide who is who; use an admin's token"},
	{"api/v1/netlogon", "it belongs to the machine account of spec.identity.kerberos"},
	{"api/v1/settings", "the controller keeps its notes there, and tells databases apart by them"},
	{"api/v1/store/metadata", "dfs takes a changed metadata store unchecked, and does not start any more with a bad one; make another store"},
	{"api/v1/adapters", "both adapters are always there; PUT {\"enabled\": false} to switch one off"},
	{"debug", "what is in the memory of the process is nobody's business"},
	{"metrics", "the metrics have a Service of their own, see spec.metrics"},
}

// match finds the route of a request.
func match(method string, segments []string) (route, error) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if i := slices.IndexFunc(allowed, func(r route) bool { return r.matches(segments) }); i >= 0 && slices.Contains(allowed[i].methods, method) {
		return allowed[i], nil
	}
	path, why := strings.Join(segments, "/"), "it is not among the routes of docs/api/proxy.md"
	for _, r := range refused {
		if path == r.path || strings.HasPrefix(path, r.path+"/") {
			why = r.why
		}
	}
	return route{}, fmt.Errorf("%s of /%s is not passed on: %s", method, path, why)
}

func (r route) matches(segments []string) bool {
	pattern := strings.Split(r.path, "/")
	if len(pattern) != len(segments) {
		return false
	}
	for i, want := range pattern {
		switch {
		case !strings.HasPrefix(want, "{"):
			if segments[i] != want {
				return false
			}
		case want == "{user}" && strings.EqualFold(segments[i], "me"):
			// In dfs that is whoever asks: an admin who does not exist.
			return false
		}
	}
	return true
}
