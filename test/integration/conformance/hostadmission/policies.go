// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package hostadmission

import (
	"context"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// ValidatingPolicy wants a ValidatingAdmissionPolicy to judge servers, with their defaults, and scales, as what they are.
func ValidatingPolicy(t *testing.T, c *harness.Cluster) {
	t.Helper()
	namespace := c.Namespace(t)
	validate(t, c, namespace+"-image", admissionv1.ValidatingAdmissionPolicySpec{
		MatchConstraints: matching(namespace, "dittoservers"),
		Validations:      []admissionv1.Validation{{Expression: "object.spec.image.startsWith('marmos91c/')", Message: "images come from marmos91c"}},
	})
	validate(t, c, namespace+"-scale", admissionv1.ValidatingAdmissionPolicySpec{
		MatchConstraints: matching(namespace, "dittoservers/scale"),
		Validations:      []admissionv1.Validation{{Expression: "has(object.spec.replicas) && object.spec.replicas == 1", Message: "servers of production stay up"}},
	})
	expectCreateRefused(t, c, namespace, foreign(), "images come from marmos91c")
	// The default of an image is known to the policy.
	c.CreateDittoServer(t, namespace, "files")
	harness.Eventually(t, "the policy sees a scale as a Scale", func(ctx context.Context) error {
		scale, err := c.Admin.DittoServers(namespace).GetScale(ctx, "files", metav1.GetOptions{})
		if err != nil {
			return err
		}
		scale.Spec.Replicas = 0
		_, err = c.Admin.DittoServers(namespace).UpdateScale(ctx, "files", scale, metav1.UpdateOptions{DryRun: dryRun})
		return refused(err, "servers of production stay up")
	})
}

func validate(t *testing.T, c *harness.Cluster, name string, spec admissionv1.ValidatingAdmissionPolicySpec) {
	t.Helper()
	api := c.Admin.Kube.AdmissionregistrationV1()
	policy := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
	if _, err := api.ValidatingAdmissionPolicies().Create(t.Context(), policy, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
		},
	}
	if _, err := api.ValidatingAdmissionPolicyBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// MutatingPolicy wants a MutatingAdmissionPolicy to change new servers.
func MutatingPolicy(t *testing.T, c *harness.Cluster) {
	t.Helper()
	namespace := c.Namespace(t)
	api := c.Admin.Kube.AdmissionregistrationV1()
	policy := &admissionv1.MutatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Spec: admissionv1.MutatingAdmissionPolicySpec{
			MatchConstraints:   matching(namespace, "dittoservers"),
			ReinvocationPolicy: admissionv1.NeverReinvocationPolicy,
			Mutations: []admissionv1.Mutation{{
				PatchType: admissionv1.PatchTypeApplyConfiguration,
				ApplyConfiguration: &admissionv1.ApplyConfiguration{
					Expression: `Object{metadata: Object.metadata{labels: {"team": "storage"}}, spec: Object.spec{logging: Object.spec.logging{level: "DEBUG"}}}`,
				},
			}},
		},
	}
	if _, err := api.MutatingAdmissionPolicies().Create(t.Context(), policy, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &admissionv1.MutatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Spec:       admissionv1.MutatingAdmissionPolicyBindingSpec{PolicyName: namespace},
	}
	if _, err := api.MutatingAdmissionPolicyBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	expectMutated(t, c, namespace)
}
