// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package scenarios_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func everythingGoes(server *dittofsv1alpha1.DittoServer) {
	server.Spec.DeletionPolicy.Volumes = dittofsv1alpha1.DeleteData
	server.Spec.DeletionPolicy.Database = dittofsv1alpha1.DeleteData
}

// The DittoFS operator deletes the one while metrics are off, and the other with its own server.
func TestScenario05ObjectsOfOthersUnderOurNamesAreLeftAlone(t *testing.T) {
	t.Parallel()
	t.Run("a Service for metrics", func(t *testing.T) {
		t.Parallel()
		s := cluster.Subject(cluster.Namespace(t), "files")
		services := cluster.Admin.Kube.CoreV1().Services(s.Namespace)
		_, err := services.Create(t.Context(), &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: "files-metrics"},
			Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": "theirs"}, Ports: []corev1.ServicePort{{Port: 9090}}},
		}, metav1.CreateOptions{FieldManager: "somebody"})
		if err != nil {
			t.Fatal(err)
		}
		foreign := func() *corev1.Service {
			t.Helper()
			service, err := services.Get(t.Context(), "files-metrics", metav1.GetOptions{})
			if err != nil {
				t.Fatalf("the Service of somebody else: %v", err)
			}
			return service
		}
		before := foreign()
		s.Create(t, everythingGoes)
		s.AwaitReady(t)
		s.Patch(t, `{"spec":{"metrics":{"enabled":true}}}`)
		message := s.AwaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "NameConflict")
		if !strings.Contains(message, "files-metrics") || !strings.Contains(message, "somebody") {
			t.Errorf("the message names neither the Service nor who wrote it: %s", message)
		}
		s.Patch(t, `{"spec":{"metrics":{"enabled":false}}}`)
		s.AwaitReady(t)
		s.Delete(t)
		if now := foreign(); now.UID != before.UID || now.ResourceVersion != before.ResourceVersion {
			t.Errorf("it was written: %+v", now)
		}
	})
	t.Run("a PerconaPGCluster", func(t *testing.T) {
		t.Parallel()
		s := cluster.Subject(cluster.Namespace(t), "files")
		cluster.CreatePerconaCluster(t, s.Namespace, "files-postgres")
		before := cluster.PerconaCluster(t, s.Namespace, "files-postgres")
		s.CreateOnPercona(t, everythingGoes)
		message := s.AwaitCondition(t, dittofsv1alpha1.ConditionDatabaseReady, metav1.ConditionFalse, "NameConflict")
		if !strings.Contains(message, "spec.percona.existingClusterRef") {
			t.Errorf("the message does not say what to do: %s", message)
		}
		s.Delete(t)
		now := cluster.PerconaCluster(t, s.Namespace, "files-postgres")
		if now.GetResourceVersion() != before.GetResourceVersion() || slices.ContainsFunc(now.GetManagedFields(), func(m metav1.ManagedFieldsEntry) bool {
			return m.Manager == dittofsv1alpha1.FieldManager
		}) {
			t.Errorf("it was written: %s", harness.DescribeObject(now))
		}
	})
}
