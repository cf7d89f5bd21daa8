// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func request() admission.Attributes {
	return admission.NewAttributesRecord(&dittofsv1alpha1.DittoServer{}, nil, dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"),
		"team", "files", dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers"), "", admission.Create, nil, false,
		&user.DefaultInfo{Name: "jane", Groups: []string{"dev"}})
}

func TestEveryMissingRightIsInOneRefusal(t *testing.T) {
	rights := []Right{
		{Verb: "get", Resource: Secrets, Kind: "Secret", Name: "jwt", Field: "spec.a"},
		{Verb: "get", Resource: Secrets, Kind: "Secret", Name: "pg", Field: "spec.b"},
		{Verb: "get", Resource: Secrets, Kind: "Secret", Name: "jwt", Field: "spec.c"},
		{Verb: "update", Resource: StatefulSets, Kind: "StatefulSet", Name: "files", Field: "it is there"},
		{Verb: "create", Resource: Pods, Field: "spec.d"},
	}
	for name, c := range map[string]struct {
		denied      []string
		fails       string
		asked       []string
		wants       []string
		lacks       string
		unavailable bool
	}{
		"all are there":                {asked: []string{"get secrets/jwt", "get secrets/pg", "update statefulsets.apps/files", "create pods/"}},
		"one is missing, two fields":   {denied: []string{"get secrets/jwt"}, wants: []string{`user "jane"`, "namespace team", `the verb get on Secret "jwt" (spec.a, spec.c): by policy`}, lacks: "pg"},
		"all are missing":              {denied: []string{"get secrets/jwt", "get secrets/pg", "update statefulsets.apps/files", "create pods/"}, wants: []string{`Secret "jwt"`, `Secret "pg"`, `the verb update on StatefulSet "files"`, "the verb create on pods (spec.d)"}},
		"no answer is not a refusal":   {fails: "get secrets/pg", wants: []string{"try again", `Secret "pg"`, "host is away"}, unavailable: true},
		"no answer wins over a denial": {denied: []string{"get secrets/jwt"}, fails: "get secrets/pg", wants: []string{"try again"}, unavailable: true},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			a := authorizer.AuthorizerFunc(func(ctx context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
				if _, ok := ctx.Deadline(); !ok {
					t.Error("asked without a deadline")
				}
				if a.GetUser().GetName() != "jane" || !slices.Equal(a.GetUser().GetGroups(), []string{"dev"}) || a.GetNamespace() != "team" || !a.IsResourceRequest() || a.GetAPIVersion() != "v1" {
					t.Errorf("asked about %+v", a)
				}
				resource := a.GetResource()
				if a.GetAPIGroup() != "" {
					resource += "." + a.GetAPIGroup()
				}
				question := a.GetVerb() + " " + resource + "/" + a.GetName()
				asked = append(asked, question)
				if question == c.fails {
					return authorizer.DecisionNoOpinion, "", errors.New("host is away")
				}
				if slices.Contains(c.denied, question) {
					// Who has no opinion gives no right either.
					return authorizer.DecisionNoOpinion, "by policy", nil
				}
				return authorizer.DecisionAllow, "", nil
			})
			err := RequireRights(t.Context(), a, request(), rights)
			if len(c.wants) == 0 && err != nil {
				t.Fatal(err)
			}
			if c.asked != nil && !slices.Equal(asked, c.asked) {
				t.Errorf("asked %q, want %q", asked, c.asked)
			}
			if len(c.wants) == 0 {
				return
			}
			if apierrors.IsServiceUnavailable(err) != c.unavailable || apierrors.IsForbidden(err) == c.unavailable {
				t.Fatalf("got %v", err)
			}
			for _, want := range c.wants {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q lacks %q", err, want)
				}
			}
			if c.lacks != "" && strings.Contains(err.Error(), c.lacks) {
				t.Errorf("%q names %q", err, c.lacks)
			}
		})
	}
}
