// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package subresources_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// A platform that wants more than verbs writes a policy about the path.
func TestAPolicyOfTheClusterSeesThePathOfARequest(t *testing.T) {
	s := files(t)
	user := s.somebody(t, mayProxy("get"))
	policies := cluster.Admin.Kube.AdmissionregistrationV1()
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "no-clients"},
		Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
			FailurePolicy: ptr.To(admissionregistrationv1.Fail),
			MatchConstraints: &admissionregistrationv1.MatchResources{
				NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": s.namespace}},
				ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: admissionregistrationv1.RuleWithOperations{
					Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Connect},
					Rule:       admissionregistrationv1.Rule{APIGroups: []string{"dittofs.io"}, APIVersions: []string{"*"}, Resources: []string{"dittoservers/proxy"}},
				}}},
			},
			Validations: []admissionregistrationv1.Validation{{Expression: `!has(object.path) || !object.path.startsWith("/api/v1/clients")`, Message: "clients are nobody's business"}},
		},
	}
	if _, err := policies.ValidatingAdmissionPolicies().Create(t.Context(), policy, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "no-clients"},
		Spec:       admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: "no-clients", ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny}},
	}
	if _, err := policies.ValidatingAdmissionPolicyBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the policy refuses the path", func(context.Context) error {
		if got := send(t, user.Config, http.MethodGet, s.path("proxy/api/v1/clients"), ""); got.code != http.StatusUnprocessableEntity || !strings.Contains(got.body, "nobody's business") {
			return fmt.Errorf("answered %d %s", got.code, got.body)
		}
		return nil
	})
	if got := send(t, user.Config, http.MethodGet, s.path("proxy/api/v1/adapters"), ""); got.code != http.StatusOK {
		t.Errorf("another path: %d %s", got.code, got.body)
	}
}
