// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package namespacestamp

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/kubernetes/fake"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func admit(t *testing.T, namespace string, server *dittofsv1alpha1.DittoServer) error {
	t.Helper()
	plugin := New()
	plugin.SetExternalKubeClientSet(fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team", UID: "uid-1"}}))
	if err := plugin.ValidateInitialization(); err != nil {
		t.Fatal(err)
	}
	return plugin.Admit(t.Context(), admission.NewAttributesRecord(server, nil,
		dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"), namespace, "files",
		dittofsv1alpha1.SchemeGroupVersion.WithResource("dittoservers"), "", admission.Create, nil, false, nil), nil)
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

func TestWithoutAClientTheServerDoesNotStart(t *testing.T) {
	if New().ValidateInitialization() == nil {
		t.Error("a plugin that cannot work was accepted")
	}
}
