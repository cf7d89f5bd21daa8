// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// access is who may use a route.
type access int

const (
	public     access = iota
	anyToken          // a valid token, even of somebody who must change the password first
	passworded        // a valid token of somebody who need not
	operators         // admin or operator
	admins
)

// exchange is one request on its way through a handler.
type exchange struct {
	p      *process
	db     *database
	r      *http.Request
	body   []byte
	claims *tokenClaims
	params map[string]string
	around conditions
}

type route struct {
	method, pattern string
	access          access
	handler         func(*exchange) answer
}

// routes are the parts of the API that the stand-in serves. In a pattern, {x} is one segment.
func routes() []route {
	const v1 = "/api/v1"
	return []route{
		{"GET", "/", public, func(*exchange) answer {
			return answer{status: http.StatusTemporaryRedirect, body: []byte("<a href=\"/health\">Temporary Redirect</a>.\n\n")}.
				with("Location", "/health").with("Content-Type", "text/html; charset=utf-8")
		}},
		{"GET", "/health", public, health},
		{"GET", "/health/ready", public, ready},

		{"POST", v1 + "/auth/login", public, login},
		{"POST", v1 + "/auth/refresh", public, refresh},
		{"GET", v1 + "/auth/me", anyToken, me},
		{"POST", v1 + "/users/me/password", anyToken, changeOwnPassword},

		{"GET", v1 + "/users/{user}", passworded, getUser},
		{"GET", v1 + "/users", admins, listUsers},
		{"POST", v1 + "/users", admins, createUser},
		{"PUT", v1 + "/users/{user}", admins, updateUser},
		{"DELETE", v1 + "/users/{user}", admins, deleteUser},
		{"POST", v1 + "/users/{user}/password", admins, resetPassword},

		{"GET", v1 + "/adapters/ports", passworded, listPorts},
		{"GET", v1 + "/adapters", operators, listAdapters},
		{"POST", v1 + "/adapters", admins, createAdapter},
		{"GET", v1 + "/adapters/{type}", admins, getAdapter},
		{"PUT", v1 + "/adapters/{type}", admins, updateAdapter},
		{"DELETE", v1 + "/adapters/{type}", admins, deleteAdapter},
		{"GET", v1 + "/adapters/{type}/status", admins, adapterStatus},
		{"GET", v1 + "/adapters/{type}/settings", admins, getAdapterSettings},
		{"PUT", v1 + "/adapters/{type}/settings", admins, putAdapterSettings},
		{"PATCH", v1 + "/adapters/{type}/settings", admins, patchAdapterSettings},
		{"GET", v1 + "/adapters/{type}/settings/defaults", admins, adapterSettingsDefaults},
		{"POST", v1 + "/adapters/{type}/settings/reset", admins, resetAdapterSettings},

		{"GET", v1 + "/settings", admins, listSettings},
		{"GET", v1 + "/settings/{key}", admins, getSetting},
		{"PUT", v1 + "/settings/{key}", admins, putSetting},
		{"DELETE", v1 + "/settings/{key}", admins, deleteSetting},

		{"GET", v1 + "/store/metadata", admins, listMetadataStores},
		{"POST", v1 + "/store/metadata", admins, createMetadataStore},
		{"GET", v1 + "/store/metadata/{name}", admins, getMetadataStore},
		{"DELETE", v1 + "/store/metadata/{name}", admins, deleteMetadataStore},
		{"GET", v1 + "/store/block/{kind}", admins, listBlockStores},
		{"POST", v1 + "/store/block/{kind}", admins, createBlockStore},
		{"GET", v1 + "/store/block/{kind}/{name}", admins, getBlockStore},
		{"DELETE", v1 + "/store/block/{kind}/{name}", admins, deleteBlockStore},

		{"GET", v1 + "/shares", admins, listShares},
		{"POST", v1 + "/shares", admins, createShare},
		{"GET", v1 + "/shares/{share}", admins, getShare},
		{"DELETE", v1 + "/shares/{share}", admins, deleteShare},
		{"PUT", v1 + "/shares/{share}/snapshot-policy", admins, putPolicy},
		{"GET", v1 + "/shares/{share}/snapshot-policy", admins, getPolicy},
		{"DELETE", v1 + "/shares/{share}/snapshot-policy", admins, deletePolicy},
		{"POST", v1 + "/shares/{share}/snapshot-policy/run", admins, runPolicy},
		{"GET", v1 + "/snapshot-policies", admins, listPolicies},

		{"GET", v1 + "/identity-providers", admins, listProviders},
		{"GET", v1 + "/identity-providers/{type}/config", admins, getProvider},
		{"PUT", v1 + "/identity-providers/{type}/config", admins, putProvider},
		{"POST", v1 + "/identity-providers/{type}/test", admins, testProvider},
	}
}

// groups are the subtrees that dfs guards as a whole: a path in there that leads nowhere is a 401 before it is a 404.
// absent marks those that the real server has and the stand-in does not, which answer 501 instead of a wrong 404.
func groups() []struct {
	prefix string
	access access
	absent bool
} {
	const v1 = "/api/v1/"
	return []struct {
		prefix string
		access access
		absent bool
	}{
		{v1 + "users", passworded, false}, {v1 + "adapters", passworded, false},
		{v1 + "settings", admins, false}, {v1 + "identity-providers", admins, false},
		{v1 + "snapshot-policies", admins, false}, {v1 + "shares", admins, true}, {v1 + "store", admins, true},
		{v1 + "groups", admins, true}, {v1 + "blockstore", admins, true}, {v1 + "identity-mappings", admins, true},
		{v1 + "sid-mappings", admins, true}, {v1 + "system", admins, true}, {v1 + "clients", admins, true},
		{v1 + "mounts", admins, true}, {v1 + "durable-handles", admins, true},
	}
}

// handle answers a request to this server. The path is escaped where the client escaped it.
func (p *process) handle(r *http.Request, path string, around conditions) answer {
	body, err := readBody(r)
	if err != nil {
		return badRequest("Invalid request body")
	}
	p.db.mu.Lock()
	defer p.db.mu.Unlock()
	x := &exchange{p: p, db: p.db, r: r, body: body, around: around}

	if path != "/" {
		path = strings.TrimSuffix(path, "/") // one slash too many is tolerated
	}
	segments := strings.Split(path, "/")
	var best *route
	var allowed []string
	table := routes()
	for i := range table {
		params, exact, match := matchPath(table[i].pattern, segments)
		if !match {
			continue
		}
		if table[i].method != r.Method {
			allowed = append(allowed, table[i].method)
			continue
		}
		if best == nil || exact {
			best, x.params = &table[i], params
		}
	}
	if best != nil {
		if refusal, allowed := x.authorize(best.access); !allowed {
			return refusal
		}
		return best.handler(x)
	}

	for _, g := range groups() {
		if path != g.prefix && !strings.HasPrefix(path, g.prefix+"/") {
			continue
		}
		if refusal, allowed := x.authorize(g.access); !allowed {
			return refusal
		}
		if g.absent && len(allowed) == 0 {
			return plain(http.StatusNotImplemented, "the stand-in does not serve this route of DittoFS")
		}
	}
	if len(allowed) > 0 { // HEAD too: dfs answers it with 405
		slices.Sort(allowed)
		a := answer{status: http.StatusMethodNotAllowed}
		for _, m := range slices.Compact(allowed) {
			a = a.with("Allow", m)
		}
		return a
	}
	return plain(http.StatusNotFound, "404 page not found")
}

// matchPath compares segment by segment. exact says that no parameter was needed: users/me wins over users/{user}.
func matchPath(pattern string, segments []string) (params map[string]string, exact, match bool) {
	parts := strings.Split(pattern, "/")
	if len(parts) != len(segments) {
		return nil, false, false
	}
	params = map[string]string{}
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			if segments[i] == "" {
				return nil, false, false
			}
			params[strings.Trim(part, "{}")] = segments[i]
			continue
		}
		if part != segments[i] {
			return nil, false, false
		}
	}
	return params, len(params) == 0, true
}

// share is the share that a path names. Its handlers are the only ones of dfs that decode escapes.
func (x *exchange) share() string {
	name, err := url.PathUnescape(x.params["share"])
	if err != nil {
		name = x.params["share"]
	}
	return normalizeShare(name)
}
