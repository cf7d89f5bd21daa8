// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"errors"
	"slices"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func server(jwt, admin bool, image string) *dittofsv1alpha1.DittoServer {
	s := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Name: "files", Namespace: "team"}}
	s.Spec.Image = image
	if jwt {
		s.Spec.Identity.JWT.SecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "jwt", Key: "k"}
	}
	if admin {
		s.Spec.Identity.Admin.PasswordSecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "admin", Key: "k"}
	}
	return s
}

func TestCredentialsAreNamedWhereNoneMayBeGenerated(t *testing.T) {
	const jwt, password = "spec.identity.jwt.secretRef", "spec.identity.admin.passwordSecretRef"
	for name, c := range map[string]struct {
		server, old *dittofsv1alpha1.DittoServer
		allowed     bool
		err         error
		asked       bool
		missing     []string
	}{
		"none named, none allowed":                 {server: server(false, false, "v1"), asked: true, missing: []string{jwt, password}},
		"one named, none allowed":                  {server: server(true, false, "v1"), asked: true, missing: []string{password}},
		"all named needs no right":                 {server: server(true, true, "v1")},
		"none named, generating is allowed":        {server: server(false, false, "v1"), allowed: true, asked: true},
		"no answer lets it through":                {server: server(false, false, "v1"), err: errors.New("host is away"), asked: true},
		"what was generated before stays in use":   {server: server(false, false, "v2"), old: server(false, false, "v1")},
		"a reference that is taken away is missed": {server: server(false, true, "v1"), old: server(true, true, "v1"), asked: true, missing: []string{jwt}},
	} {
		t.Run(name, func(t *testing.T) {
			client, asked := fake.NewClientset(), false
			client.PrependReactor("create", "selfsubjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
				asked = true
				review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview)
				if wants := review.Spec.ResourceAttributes; wants.Verb != "create" || wants.Resource != "secrets" || wants.Namespace != "team" {
					t.Errorf("asked about %+v", wants)
				}
				review.Status.Allowed = c.allowed
				return true, review, c.err
			})
			plugin := New()
			plugin.SetExternalKubeClientSet(client)
			var old runtime.Object
			operation := admission.Create
			if c.old != nil {
				old, operation = c.old, admission.Update
			}
			err := plugin.Validate(t.Context(), admission.NewAttributesRecord(c.server, old,
				dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"), "team", "files",
				dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers"), "", operation, nil, false, nil), nil)
			var missing []string
			var status apierrors.APIStatus
			if errors.As(err, &status) {
				for _, cause := range status.Status().Details.Causes {
					missing = append(missing, cause.Field)
				}
			}
			if !slices.Equal(missing, c.missing) || (err == nil) != (c.missing == nil) {
				t.Errorf("got %v, want %v to be missing", err, c.missing)
			}
			if asked != c.asked {
				t.Errorf("asked the host: %v, want %v", asked, c.asked)
			}
		})
	}
}

func TestThatSecretsMayBeCreatedIsKeptAndThatTheyMayNotIsNot(t *testing.T) {
	for _, c := range []struct {
		allowed bool
		asked   int
	}{{true, 1}, {false, 2}} {
		client, asked := fake.NewClientset(), 0
		client.PrependReactor("create", "selfsubjectaccessreviews", func(action clienttesting.Action) (bool, runtime.Object, error) {
			asked++
			review := action.(clienttesting.CreateAction).GetObject().(*authorizationv1.SelfSubjectAccessReview)
			review.Status.Allowed = c.allowed
			return true, review, nil
		})
		plugin := New()
		plugin.SetExternalKubeClientSet(client)
		for range 2 {
			err := plugin.Validate(t.Context(), admission.NewAttributesRecord(server(false, false, "v1"), nil,
				dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"), "team", "files",
				dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers"), "", admission.Create, nil, false, nil), nil)
			if (err == nil) != c.allowed {
				t.Errorf("allowed %v: got %v", c.allowed, err)
			}
		}
		if asked != c.asked {
			t.Errorf("allowed %v: asked %d times, want %d", c.allowed, asked, c.asked)
		}
	}
}
