// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestOnlyTheMethodsOfARouteArePassedOn(t *testing.T) {
	for _, r := range allowed {
		path := "/" + regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(r.path, "some.name")
		for _, method := range []string{get, post, put, patch, remove, http.MethodHead} {
			f := newFixture(t)
			got := f.send(method, path, "", "")
			want := slices.Contains(r.methods, strings.Replace(method, "HEAD", "GET", 1))
			if passed := len(f.got) == 1 && got.err == nil; passed != want {
				t.Errorf("%s %s: passed on %t, want %t: %v", method, path, passed, want, got.err)
			}
		}
	}
}

// What makes an admin, or somebody else of somebody, stays with who has an admin's token.
func TestNothingThatMakesAnAdminIsPassedOn(t *testing.T) {
	for _, request := range []string{
		"POST /api/v1/auth/login", "POST /api/v1/auth/refresh", "GET /api/v1/auth/me",
		"POST /api/v1/users", "PUT /api/v1/users/eve", "PATCH /api/v1/users/eve", "DELETE /api/v1/users/admin",
		"POST /api/v1/users/eve/password", "POST /api/v1/users/me/password", "GET /api/v1/users/me",
		"POST /api/v1/groups", "PUT /api/v1/groups/admins", "DELETE /api/v1/groups/staff",
		"POST /api/v1/groups/admins/members", "DELETE /api/v1/groups/admins/members/bob",
		"PUT /api/v1/identity-providers/ldap/config", "PUT /api/v1/identity-providers/kerberos/config", "POST /api/v1/identity-providers/ldap/test",
		"POST /api/v1/identity-mappings", "DELETE /api/v1/identity-mappings/by-provider/kerberos/eve",
		"POST /api/v1/adapters/nfs/identity-mappings", "DELETE /api/v1/sid-mappings/S-1-5-21-1",
		"POST /api/v1/netlogon/rotate", "PUT /api/v1/settings/machine_sid", "DELETE /api/v1/settings/machine_sid",
		"PUT /api/v1/store/metadata/main", "POST /api/v1/adapters", "DELETE /api/v1/adapters/nfs", "GET /debug/pprof/heap", "GET /metrics",
	} {
		t.Run(request, func(t *testing.T) {
			f := newFixture(t)
			method, path, _ := strings.Cut(request, " ")
			if got := f.send(method, path, "", "{}"); !got.says(http.StatusForbidden, "is not passed on: ") || len(f.got) > 0 || len(f.issued) > 0 {
				t.Errorf("answered %+v", got)
			}
		})
	}
}

func TestARefusalSaysWhatToDoInstead(t *testing.T) {
	f := newFixture(t)
	got := f.send(http.MethodPost, "/api/v1/users", "", "{}")
	if !got.says(http.StatusForbidden, `"files" is forbidden: POST of /api/v1/users is not passed on: `) || !got.says(http.StatusForbidden, "use an admin's token") {
		t.Errorf("answered %v", got.err)
	}
	// Every reason belongs to a path that is refused.
	for _, r := range refused {
		if _, err := match(patch, strings.Split(r.path, "/")); err == nil || !strings.Contains(err.Error(), r.why) {
			t.Errorf("%s: %v", r.path, err)
		}
	}
}

func TestThePageHasEveryRoute(t *testing.T) {
	const page = "../../../docs/api/proxy.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	want.WriteString("| Path | Methods | Query |\n|---|---|---|\n")
	for _, r := range allowed {
		fmt.Fprintf(&want, "| `/%s` | %s | %s |\n", r.path, strings.Join(r.methods, ", "), strings.Join(r.query, ", "))
	}
	want.WriteString("\n| Refused | Because |\n|---|---|\n")
	for _, r := range refused {
		fmt.Fprintf(&want, "| `/%s` | %s |\n", r.path, r.why)
	}
	if !strings.Contains(string(text), want.String()) {
		t.Errorf("%s does not have these tables:\n%s", page, want.String())
	}
}
