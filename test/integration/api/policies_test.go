// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var dryRun = metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}

func TestResourceQuotaRefusesTheSecondServer(t *testing.T) {
	namespace := cluster.Namespace(t)
	const counted = "count/dittoservers.dittofs.io"
	// It looks for new kinds twice a minute, and counts a quota that is older than its knowledge much later.
	harness.Eventually(t, "the quota controller has found our kind", func(context.Context) error {
		for _, event := range cluster.Requests(t, "system:kube-controller-manager") {
			if event.Verb == "watch" && event.ObjectRef != nil && event.ObjectRef.Resource == "dittoservers" {
				return nil
			}
		}
		return errors.New("it does not watch dittoservers")
	})
	quotas := cluster.Admin.Kube.CoreV1().ResourceQuotas(namespace)
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "one"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{counted: quantity("1")}},
	}
	if _, err := quotas.Create(t.Context(), quota, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the quota controller counts", func(ctx context.Context) error {
		quota, err := quotas.Get(ctx, "one", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if _, ok := quota.Status.Used[counted]; !ok {
			return errors.New("no status yet")
		}
		return nil
	})
	// The informer of our server may be behind: until it has heard of the status it refuses everything.
	harness.Eventually(t, "the first server is created", func(ctx context.Context) error {
		_, err := cluster.Admin.DittoServers(namespace).Create(ctx, harness.NewDittoServer("first"), metav1.CreateOptions{})
		return err
	})
	_, err := cluster.Admin.DittoServers(namespace).Create(t.Context(), harness.NewDittoServer("second"), metav1.CreateOptions{})
	expectRefusal(t, err, 403, "exceeded quota: one", counted+"=1", "used: "+counted+"=1")
	if used, err := quotas.Get(t.Context(), "one", metav1.GetOptions{}); err != nil || used.Status.Used.Name(counted, "").Value() != 1 {
		t.Errorf("used: %v, %v", used, err)
	}
}

// selects matches requests of one namespace, so that policies of one test leave the others alone.
func selects(namespace string, resources ...string) *admissionv1.MatchResources {
	return &admissionv1.MatchResources{
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
		ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: admissionv1.RuleWithOperations{
			Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
			Rule:       admissionv1.Rule{APIGroups: []string{"dittofs.io"}, APIVersions: []string{"*"}, Resources: resources},
		}}},
	}
}

func TestValidatingAdmissionPoliciesOfTheClusterApply(t *testing.T) {
	namespace := cluster.Namespace(t)
	api := cluster.Admin.Kube.AdmissionregistrationV1()
	policies := map[string]*admissionv1.ValidatingAdmissionPolicy{
		namespace + "-image": {Spec: admissionv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: selects(namespace, "dittoservers"),
			Validations:      []admissionv1.Validation{{Expression: "object.spec.image.startsWith('marmos91c/')", Message: "images come from marmos91c"}},
		}},
		namespace + "-scale": {Spec: admissionv1.ValidatingAdmissionPolicySpec{
			MatchConstraints: selects(namespace, "dittoservers/scale"),
			Validations:      []admissionv1.Validation{{Expression: "has(object.spec.replicas) && object.spec.replicas == 1", Message: "servers of production stay up"}},
		}},
	}
	for name, policy := range policies {
		policy.Name = name
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
	foreign := harness.NewDittoServer("foreign", func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "example/dfs:v1" })
	harness.Eventually(t, "the policy refuses an image", func(ctx context.Context) error {
		_, err := cluster.Admin.DittoServers(namespace).Create(ctx, foreign, dryRun)
		if err == nil || !strings.Contains(err.Error(), "images come from marmos91c") {
			return errors.Join(errors.New("not refused"), err)
		}
		return nil
	})
	// The default of an image is known to the policy.
	cluster.CreateDittoServer(t, namespace, "files")
	harness.Eventually(t, "the policy sees a scale as a Scale", func(ctx context.Context) error {
		scale, err := cluster.Admin.DittoServers(namespace).GetScale(ctx, "files", metav1.GetOptions{})
		if err != nil {
			return err
		}
		scale.Spec.Replicas = 0
		_, err = cluster.Admin.DittoServers(namespace).UpdateScale(ctx, "files", scale, metav1.UpdateOptions{DryRun: dryRun.DryRun})
		if err == nil || !strings.Contains(err.Error(), "servers of production stay up") {
			return errors.Join(errors.New("not refused"), err)
		}
		return nil
	})
}

func TestMutatingAdmissionPoliciesOfTheClusterApply(t *testing.T) {
	namespace := cluster.Namespace(t)
	api := cluster.Admin.Kube.AdmissionregistrationV1()
	policy := &admissionv1.MutatingAdmissionPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Spec: admissionv1.MutatingAdmissionPolicySpec{
			MatchConstraints:   selects(namespace, "dittoservers"),
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
	harness.Eventually(t, "the policy changes new servers", func(ctx context.Context) error {
		server, err := cluster.Admin.DittoServers(namespace).Create(ctx, harness.NewDittoServer("files"), dryRun)
		if err != nil {
			return err
		}
		if server.Labels["team"] != "storage" || server.Spec.Logging.Level != dittofsv1alpha1.LogDebug {
			return errors.New("not changed")
		}
		return nil
	})
}

func TestNamespacesThatAreMissingOrGoingTakeNoServers(t *testing.T) {
	_, err := cluster.Admin.DittoServers("missing").Create(t.Context(), harness.NewDittoServer("files"), metav1.CreateOptions{})
	expectRefusal(t, err, 404, `namespaces "missing" not found`)

	namespace := cluster.Namespace(t)
	// Something keeps the namespace, as long as we look.
	holder := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "holder", Finalizers: []string{"example.com/hold"}}}
	if _, err := cluster.Admin.Kube.CoreV1().ConfigMaps(namespace).Create(t.Context(), holder, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	existing := cluster.CreateDittoServer(t, namespace, "existing")
	if err := cluster.Admin.Kube.CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "creates are refused", func(ctx context.Context) error {
		_, err := cluster.Admin.DittoServers(namespace).Create(ctx, harness.NewDittoServer("files"), dryRun)
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), "because it is being terminated") {
			return errors.Join(errors.New("not refused"), err)
		}
		return nil
	})
	harness.Eventually(t, "the namespace controller deletes the server", func(ctx context.Context) error {
		server, err := cluster.Admin.DittoServers(namespace).Get(ctx, existing.Name, metav1.GetOptions{})
		if err == nil && server.DeletionTimestamp == nil {
			return errors.New("not deleted")
		}
		return err
	})
	removeFinalizers(t, namespace, existing.Name)
}
