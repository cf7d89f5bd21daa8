// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package secretaccess

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func server(edits ...func(*dittofsv1alpha1.DittoServer)) *dittofsv1alpha1.DittoServer {
	s := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Name: "files", Namespace: "team"}}
	s.Spec.Image = "dfs:v1"
	s.Spec.Identity.JWT.SecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "jwt", Key: "k"}
	s.Spec.Identity.Admin.PasswordSecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "admin", Key: "k"}
	s.Spec.Database.PostgresSecretRef = &dittofsv1alpha1.SecretReference{Name: "pg"}
	for _, edit := range edits {
		edit(s)
	}
	return s
}

func attributes(s, old *dittofsv1alpha1.DittoServer) admission.Attributes {
	// A nil pointer must not become an object.
	var oldObject runtime.Object
	operation := admission.Create
	if old != nil {
		oldObject, operation = old, admission.Update
	}
	return admission.NewAttributesRecord(s, oldObject, dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"), "team", "files",
		dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers"), "", operation, nil, false, &user.DefaultInfo{Name: "jane"})
}

func TestTheRequesterNeedsToReadEverySecretOfTheSpec(t *testing.T) {
	for name, c := range map[string]struct {
		server, old *dittofsv1alpha1.DittoServer
		denied      string
		err         error
		asked       []string
		refusal     string
	}{
		"every Secret is asked about at create":          {server: server(), asked: []string{"admin", "jwt", "pg"}},
		"a Secret that may not be read refuses":          {server: server(), denied: "jwt", asked: []string{"admin", "jwt"}, refusal: `refers to Secret "jwt", which you may not read: user "jane" needs the verb get`},
		"no answer refuses":                              {server: server(), denied: "admin", err: errors.New("host is away"), asked: []string{"admin"}, refusal: "try again: host is away"},
		"a new image would run with the same Secrets":    {server: server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "dfs:mine" }), old: server(), asked: []string{"admin", "jwt", "pg"}},
		"a change of size decides nothing about them":    {server: server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Replicas = ptr.To[int32](0) }), old: server(), denied: "jwt"},
		"an unchanged spec is not asked about":           {server: server(), old: server(), denied: "jwt"},
		"an object that is being deleted is let through": {server: server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "x" }), old: server(func(s *dittofsv1alpha1.DittoServer) { s.DeletionTimestamp = ptr.To(metav1.Now()) }), denied: "jwt"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			plugin := New()
			plugin.SetAuthorizer(authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
				if a.GetVerb() != "get" || a.GetResource() != "secrets" || a.GetNamespace() != "team" || a.GetUser().GetName() != "jane" {
					t.Errorf("asked about %+v", a)
				}
				asked = append(asked, a.GetName())
				if a.GetName() == c.denied {
					return authorizer.DecisionNoOpinion, "", c.err
				}
				return authorizer.DecisionAllow, "", nil
			}))
			err := plugin.Validate(t.Context(), attributes(c.server, c.old), nil)
			if c.refusal == "" && err != nil || c.refusal != "" && (err == nil || !strings.Contains(err.Error(), c.refusal)) {
				t.Errorf("got %v, want %q", err, c.refusal)
			}
			if !slices.Equal(asked, c.asked) {
				t.Errorf("asked about %v, want %v", asked, c.asked)
			}
		})
	}
}
