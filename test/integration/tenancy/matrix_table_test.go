// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package tenancy_test

import (
	"net/http"
	"strings"
)

// What our group serves, as discovery names it.
const (
	classes     = "dittoserverclasses"
	servers     = "dittoservers"
	status      = "dittoservers/status"
	scale       = "dittoservers/scale"
	finalize    = "dittoservers/finalize"
	credentials = "dittoservers/credentials"
	proxy       = "dittoservers/proxy"
)

// Short for verbs that go together.
const (
	read  = "get list watch"
	write = "create update patch delete deletecollection"
	all   = read + " " + write
)

// scope is where an object is that somebody asks for: in the namespace of tenant A, in that of tenant B, or anywhere.
type scope string

const (
	inA      scope = "A"
	inB      scope = "B"
	anywhere scope = ""
)

// rights are the verbs that somebody has, by resource. What is not in it is refused.
type rights map[string]string

func (r rights) allow(resource, verb string) bool {
	for _, allowed := range strings.Fields(r[resource]) {
		if allowed == verb {
			return true
		}
	}
	return false
}

// What the shipped roles give in a namespace, and to whoever is authenticated.
var (
	nothing      = rights{}
	seesClasses  = rights{classes: read}
	seesServers  = rights{servers: read, scale: "get"}
	editsServers = rights{servers: all, scale: "get update patch"}
	ownsServers  = rights{servers: all, scale: "get update patch", credentials: "create"}
	everything   = rights{servers: all, scale: "get update patch", credentials: "create", status: "get update patch", finalize: "get update patch", proxy: "get create update patch delete"}
	ownsClasses  = rights{classes: all, servers: "list watch"}
	proxyReaders = rights{proxy: "get"}
)

// row is somebody, and what they may do. The refusals of all else are 403 with the words of the authorizer, unless the row
// says otherwise.
type row struct {
	who string
	// how they come to it, for the page.
	how string
	// anywhere is what they may do with classes, and with servers of all namespaces at once.
	anywhere, a, b rights
	// doors leaves one of the two out: what is tried at our own port cannot be tried at kube-apiserver, or is another thing.
	doors []door
	// code of a refusal, if it is another than 403.
	code int
	// words of a refusal, if they are others than `User "..." cannot VERB resource`.
	words string
	// as whom they ask.
	as identity
}

func (r row) rights(s scope) rights {
	return map[scope]rights{anywhere: r.anywhere, inA: r.a, inB: r.b}[s]
}

func (r row) throughDoors() []door {
	if r.doors != nil {
		return r.doors
	}
	return []door{kubeAPIServer, ourPort}
}

func (r row) refusal() int {
	if r.code != 0 {
		return r.code
	}
	return http.StatusForbidden
}

// matrix is docs/tenancy-matrix.md, which is written from it. Whoever adds a resource or a verb adds it to requests too.
func matrix() []row {
	return []row{
		{who: "cluster admin", how: "group `system:masters`", anywhere: ownsClasses, a: everything, b: everything, as: user("the-cluster-admin", "system:masters")},
		{who: "platform admin", how: "ClusterRoleBinding of `dittofs-platform-admin`", anywhere: ownsClasses, a: ownsServers, b: ownsServers,
			as: bound("platform-admin", "", "dittofs-platform-admin")},
		{who: "admin of A", how: "RoleBinding of `admin` in A", anywhere: seesClasses, a: ownsServers, b: nothing, as: bound("a-admin", inA, "admin")},
		{who: "editor of A", how: "RoleBinding of `edit` in A", anywhere: seesClasses, a: editsServers, b: nothing, as: bound("a-editor", inA, "edit")},
		{who: "viewer of A", how: "RoleBinding of `view` in A", anywhere: seesClasses, a: seesServers, b: nothing, as: bound("a-viewer", inA, "view")},
		{who: "tenant of A", how: "RoleBinding of `dittofs-tenant` in A, as the component `tenant` makes it", anywhere: seesClasses, a: ownsServers, b: nothing,
			as: bound("a-tenant", inA, "dittofs-tenant")},
		{who: "admin of B", how: "RoleBinding of `admin` in B", anywhere: seesClasses, a: nothing, b: ownsServers, as: bound("b-admin", inB, "admin")},
		{who: "who was given the proxy in A", how: "a Role of your own with `get` on `dittoservers/proxy`", anywhere: seesClasses, a: proxyReaders, b: nothing,
			as: bound("a-proxy-reader", inA, ownProxyRole)},
		{who: "nobody in particular", how: "authenticated, without a binding", anywhere: seesClasses, a: nothing, b: nothing, as: user("nobody-in-particular")},
		{who: "the ServiceAccount of our server", how: "`dittofs-system/dittofs-apiserver`, by its token", anywhere: seesClasses, a: nothing, b: nothing, as: ourServiceAccount},
		{who: "a user with the controllers' name", how: "certificate for `system:dittofs:controller`", anywhere: seesClasses, a: nothing, b: nothing,
			as: user("system:dittofs:controller")},
		{who: "anonymous", how: "no certificate, no token", anywhere: nothing, a: nothing, b: nothing, as: anonymous},
		{who: "a token of nobody", how: "`Authorization: Bearer invented`", anywhere: nothing, a: nothing, b: nothing, code: http.StatusUnauthorized, words: "Unauthorized",
			as: bearer("invented")},
		{who: "forged headers of a user", how: "certificate of nobody in particular, `X-Remote-User: admin`, `X-Remote-Group: system:masters`", anywhere: seesClasses, a: nothing, b: nothing,
			as: forging(user("forger"))},
		{who: "forged headers of nobody", how: "no certificate, the same headers", anywhere: nothing, a: nothing, b: nothing, as: forging(anonymous)},
		{who: "forged headers, another CA", how: "the aggregator's name, signed by a CA of one's own, the same headers", anywhere: nothing, a: nothing, b: nothing,
			code: http.StatusUnauthorized, words: "Unauthorized", as: forging(anotherAuthority)},
		{who: "forged headers, another name", how: "signed by the aggregator's CA for another name, the same headers", anywhere: nothing, a: nothing, b: nothing,
			code: http.StatusUnauthorized, words: "Unauthorized", as: forging(frontProxyStranger)},
		{who: "the aggregator", how: "its certificate, `X-Remote-User: a-viewer`", anywhere: seesClasses, a: seesServers, b: nothing, doors: []door{ourPort}, as: aggregatorFor("a-viewer")},
		{who: "who may impersonate the viewer of A", how: "`Impersonate-User: a-viewer`, with the verb `impersonate` on that user", anywhere: seesClasses, a: seesServers, b: nothing,
			as: impersonating("helpdesk", "a-viewer", true)},
		{who: "who may not impersonate", how: "the same header, as the admin of B", anywhere: nothing, a: nothing, b: nothing, words: `User \"b-admin\" cannot impersonate`,
			as: impersonating("b-admin", "a-viewer", false)},
		{who: "a platform admin as the admin of B", how: "`Impersonate-User: b-admin`, with the verb `impersonate`", anywhere: seesClasses, a: nothing, b: ownsServers,
			as: impersonating("platform-admin", "b-admin", true)},
	}
}
