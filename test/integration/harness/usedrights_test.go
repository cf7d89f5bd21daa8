// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// rightsOf writes rules out, one right each.
func rightsOf(rules []rbacv1.PolicyRule) map[Right]bool {
	rights := map[Right]bool{}
	for _, rule := range rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					rights[Right{group, resource, verb}] = true
				}
			}
		}
	}
	return rights
}

func repo(t *testing.T) string {
	t.Helper()
	root, err := RepoDir()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// That what the table says is used is used, the tests that it names prove, by UnusedRights.
func TestEachRightOfTheControllersHasItsUseAndNoOther(t *testing.T) {
	granted, err := shippedRights(repo(t), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []struct {
		name     string
		inSystem bool
		shipped  map[Right]bool
	}{
		{"in the cluster", false, rightsOf(granted.controllers)},
		{"in " + systemNamespace, true, rightsOf(granted.system)},
	} {
		declared := map[Right]bool{}
		for _, u := range controllerRights {
			if u.inSystem != part.inSystem {
				continue
			}
			for _, right := range u.rights() {
				if declared[right] {
					t.Errorf("%s: %s stands twice in controllerRights", part.name, right)
				}
				declared[right] = true
			}
		}
		for right := range part.shipped {
			if !declared[right] {
				t.Errorf("%s: the manifests grant %s, and controllerRights does not say what for", part.name, right)
			}
		}
		for right := range declared {
			if !part.shipped[right] {
				t.Errorf("%s: controllerRights has %s, and the manifests do not grant it", part.name, right)
			}
		}
	}
}

func TestEachTestThatUsesARightIsThere(t *testing.T) {
	root := repo(t)
	for _, u := range controllerRights {
		directory, name, _ := strings.Cut(u.where, ": ")
		files, err := filepath.Glob(filepath.Join(root, directory, "*_test.go"))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(files, func(path string) bool {
			text, err := os.ReadFile(path)
			return err == nil && strings.Contains(string(text), "\nfunc "+name+"(")
		}) {
			t.Errorf("%s of %s: there is no %s in %s", u.verbs, u.resource, name, directory)
		}
	}
}

func TestWhatARequestTakes(t *testing.T) {
	event := func(verb, group, resource, subresource string, code int32, message string) auditv1.Event {
		return auditv1.Event{
			Verb: verb, ObjectRef: &auditv1.ObjectReference{APIGroup: group, Resource: resource, Subresource: subresource, Namespace: "a", Name: "x"},
			ResponseStatus: &metav1.Status{Code: code, Message: message},
		}
	}
	const cannot = `services "x" is forbidden: User "` + ServerUser + `" cannot create resource "services" in API group "" in the namespace "a"`
	for name, c := range map[string]struct {
		event   auditv1.Event
		want    []string
		refused bool
	}{
		"a read":                       {event("get", "apps", "statefulsets", "", 200, ""), []string{"get statefulsets.apps"}, false},
		"of what is not there":         {event("get", "", "secrets", "", 404, "not found"), []string{"get secrets"}, false},
		"an apply of what is there":    {event("patch", "", "services", "", 200, ""), []string{"patch services"}, false},
		"an apply of what is not":      {event("patch", "", "services", "", 201, ""), []string{"patch services", "create services"}, false},
		"an apply that may not create": {event("patch", "", "services", "", 403, cannot), []string{"create services"}, true},
		"a refusal of a policy":        {event("patch", "", "services", "", 403, "denied by a policy"), []string{"patch services"}, false},
		"a watch":                      {event("watch", "", "pods", "", 200, ""), []string{"watch pods", "list pods"}, false},
		"a subresource":                {event("patch", "", "resourcequotas", "status", 200, ""), []string{"patch resourcequotas/status"}, false},
		"no object":                    {auditv1.Event{Verb: "get", RequestURI: "/version"}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, r := range askedFor(c.event) {
				got = append(got, r.Right.String())
				if r.refused != c.refused {
					t.Errorf("%s is refused: %t", r, r.refused)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("it takes %v, want %v", got, c.want)
			}
		})
	}
}

func TestWhichRoleCoversARequest(t *testing.T) {
	granted, err := shippedRights(repo(t), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what         string
		r            request
		ofController bool
		want         bool
	}{
		{"the controllers delete pods", request{Right: Right{"", "pods", "delete"}, namespace: "a"}, true, true},
		{"the controllers ask about users", request{Right: Right{"authorization.k8s.io", "subjectaccessreviews", "create"}}, true, false},
		{"the API server asks about users", request{Right: Right{"authorization.k8s.io", "subjectaccessreviews", "create"}}, false, true},
		{"the lease is renewed", request{Right: Right{"coordination.k8s.io", "leases", "update"}, namespace: systemNamespace, name: "dittofs-apiserver-controllers"}, true, true},
		{"another lease is", request{Right: Right{"coordination.k8s.io", "leases", "update"}, namespace: systemNamespace, name: "other"}, true, false},
		{"a lease elsewhere is", request{Right: Right{"coordination.k8s.io", "leases", "update"}, namespace: "a", name: "dittofs-apiserver-controllers"}, true, false},
		{"Secrets are created without the component", request{Right: Right{"", "secrets", "create"}, namespace: "a"}, true, false},
		{"Secrets are deleted", request{Right: Right{"", "secrets", "delete"}, namespace: "a"}, true, false},
	} {
		if got := granted.cover(c.r, c.ofController); got != c.want {
			t.Errorf("%s: covered is %t", c.what, got)
		}
	}
	if all := slices.Collect(maps.Keys(rightsOf(granted.controllers))); len(all) < 50 {
		t.Errorf("the manifests have %d rights: this test reads the wrong ones", len(all))
	}
}
