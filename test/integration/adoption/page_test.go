// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package adoption_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// openPage is docs/migration.md, about a namespace of the test.
func openPage(t *testing.T, namespace string) harness.Page {
	t.Helper()
	page := harness.OpenPage(t, cluster.Admin, "migration.md", "names")
	page.Replace("NAMESPACE=storage", "NAMESPACE="+namespace)
	return page
}

// runOperator makes the Deployment of the operator, which kwok runs. There is one for all tests.
func runOperator(t *testing.T) {
	t.Helper()
	labels := map[string]string{"control-plane": "controller-manager"}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "dittofs"}}
	if _, err := cluster.Admin.Kube.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "dittofs-operator-controller-manager"}, Spec: appsv1.DeploymentSpec{
		Replicas: ptr.To[int32](1), Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "manager", Image: "marmos91c/dittofs-operator:latest"}},
		}},
	}}
	if _, err := cluster.Admin.Kube.AppsV1().Deployments("dittofs").Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}
