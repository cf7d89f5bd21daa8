// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// awaitNoNamespace waits until a deleted namespace is gone, and says what holds it otherwise.
func awaitNoNamespace(t *testing.T, name string) {
	t.Helper()
	harness.Eventually(t, "namespace "+name+" is gone", func(ctx context.Context) error {
		namespace, err := cluster.Admin.Kube.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		conditions := ""
		for _, c := range namespace.Status.Conditions {
			if c.Status == corev1.ConditionTrue {
				conditions += c.Message + " "
			}
		}
		return &stillThere{conditions}
	})
}

type stillThere struct{ why string }

func (e *stillThere) Error() string { return "it is still there: " + e.why }

func deleteNamespace(t *testing.T, name string) {
	t.Helper()
	if err := cluster.Admin.Kube.CoreV1().Namespaces().Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestANamespaceThatHoldsServersIsDeleted(t *testing.T) {
	t.Parallel()
	running := newSubject(t)
	for _, name := range []string{"stopped", "starting"} {
		server := harness.NewDittoServer(name)
		if name == "stopped" {
			server.Spec.Replicas = new(int32)
		}
		if _, err := cluster.Admin.DittoServers(running.namespace).Create(t.Context(), server, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	deleteNamespace(t, running.namespace)
	awaitNoNamespace(t, running.namespace)
	list, err := cluster.Admin.DittoServers(running.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 0 {
		t.Errorf("%d DittoServers are left of the namespace", len(list.Items))
	}
}

// Hazard 1 of aggregated servers: with types that cannot be protobuf, every namespace of the cluster hangs.
func TestHazard01ANamespaceThatHasNothingOfOursIsDeleted(t *testing.T) {
	t.Parallel()
	namespace := cluster.Namespace(t)
	deleteNamespace(t, namespace)
	awaitNoNamespace(t, namespace)
}
