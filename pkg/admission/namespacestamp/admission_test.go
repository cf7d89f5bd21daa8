// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package namespacestamp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func admit(t *testing.T, namespace string, server *dittofsv1alpha1.DittoServer) error {
	t.Helper()
	plugin := New()
	plugin.SetExternalKubeClientSet(fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team", UID: "uid-1"}}))
	if err := plugin.ValidateInitialization(); err != nil {
		t.Fatal(err)
	}
	return plugin.Admit(t.Context(), attributes(namespace, server), nil)
}

func attributes(namespace string, server *dittofsv1alpha1.DittoServer) admission.Attributes {
	return admission.NewAttributesRecord(server, nil,
		dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"), namespace, "files",
		dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers"), "", admission.Create, nil, false, nil)
}

func TestTheStampIsThatOfTheNamespaceWhateverTheUserWrote(t *testing.T) {
	server := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{
		dittofsv1alpha1.AnnotationNamespaceUID: "mine", "other": "kept",
	}}}
	// Mutating plugins may run twice.
	for range 2 {
		if err := admit(t, "team", server); err != nil {
			t.Fatal(err)
		}
	}
	if server.Annotations[dittofsv1alpha1.AnnotationNamespaceUID] != "uid-1" || server.Annotations["other"] != "kept" {
		t.Errorf("annotations %q", server.Annotations)
	}
}

func TestInANamespaceThatIsNotThereNothingIsCreated(t *testing.T) {
	if err := admit(t, "nowhere", &dittofsv1alpha1.DittoServer{}); !apierrors.IsNotFound(err) {
		t.Errorf("got %v", err)
	}
}

// A refusal of ours must not read as one of the requester's rights.
func TestWithoutAnAnswerNothingIsCreated(t *testing.T) {
	for name, err := range map[string]error{
		"the host is away":     errors.New("host is away"),
		"we lack the right":    apierrors.NewForbidden(corev1.Resource("namespaces"), "team", errors.New("host is away")),
		"the time has run out": fmt.Errorf("host is away: %w", context.DeadlineExceeded),
	} {
		t.Run(name, func(t *testing.T) {
			client := fake.NewClientset()
			client.PrependReactor("get", "namespaces", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err })
			plugin := New()
			plugin.SetExternalKubeClientSet(client)
			got := plugin.Admit(t.Context(), attributes("team", &dittofsv1alpha1.DittoServer{}), nil)
			if !apierrors.IsServiceUnavailable(got) || !strings.Contains(got.Error(), "host is away") || !strings.Contains(got.Error(), "namespace team") {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestWithoutAClientTheServerDoesNotStart(t *testing.T) {
	if New().ValidateInitialization() == nil {
		t.Error("a plugin that cannot work was accepted")
	}
}
