// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Namespace creates one for this test. It is not deleted: the cluster goes at the end, and whoever tests deletion
// deletes it themselves.
func (c *Cluster) Namespace(t *testing.T) string {
	t.Helper()
	namespace, err := c.Admin.Kube.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return namespace.Name
}

// NewDittoServer is the smallest that is valid, unless changed.
func NewDittoServer(name string, change ...func(*dittofsv1alpha1.DittoServer)) *dittofsv1alpha1.DittoServer {
	size := resource.MustParse("1Gi")
	server := &dittofsv1alpha1.DittoServer{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       dittofsv1alpha1.DittoServerSpec{Storage: dittofsv1alpha1.StorageSpec{MetadataSize: &size}},
	}
	for _, f := range change {
		f(server)
	}
	return server
}

// CreateDittoServer stores the smallest valid DittoServer, unless changed, as an admin.
func (c *Cluster) CreateDittoServer(t *testing.T, namespace, name string, change ...func(*dittofsv1alpha1.DittoServer)) *dittofsv1alpha1.DittoServer {
	t.Helper()
	server, err := c.Admin.DittoServers(namespace).Create(t.Context(), NewDittoServer(name, change...), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// PutSecret creates or replaces a Secret in the namespace of the server.
func (s Subject) PutSecret(t *testing.T, secret *corev1.Secret) {
	t.Helper()
	secrets := s.Cluster.Admin.Kube.CoreV1().Secrets(s.Namespace)
	_, err := secrets.Create(t.Context(), secret, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = secrets.Update(t.Context(), secret, metav1.UpdateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}
