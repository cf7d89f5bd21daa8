// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// recovery is how long a server may need once nothing is in its way any more: refusals are looked at again every minute.
const recovery = 100 * time.Second

func matched(namespace, group, resource string) (*metav1.LabelSelector, admissionv1.RuleWithOperations) {
	return &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}}, admissionv1.RuleWithOperations{
		Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
		Rule:       admissionv1.Rule{APIGroups: []string{group}, APIVersions: []string{"v1"}, Resources: []string{resource}},
	}
}

// forbid has a policy refuse a kind in a namespace until the returned function is called.
func forbid(t *testing.T, namespace, group, resource string) (allow func()) {
	t.Helper()
	selector, rule := matched(namespace, group, resource)
	meta := metav1.ObjectMeta{Name: "forbid-" + namespace}
	api := cluster.Admin.Kube.AdmissionregistrationV1()
	_, err := api.ValidatingAdmissionPolicies().Create(t.Context(), &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: meta,
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			FailurePolicy: ptr.To(admissionv1.Fail),
			MatchConstraints: &admissionv1.MatchResources{NamespaceSelector: selector,
				ResourceRules: []admissionv1.NamedRuleWithOperations{{RuleWithOperations: rule}}},
			Validations: []admissionv1.Validation{{Expression: "false", Message: "the house rules forbid this"}},
		}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = api.ValidatingAdmissionPolicyBindings().Create(t.Context(), &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: meta,
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{PolicyName: meta.Name, ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	allow = func() {
		if err := api.ValidatingAdmissionPolicyBindings().Delete(harness.CleanupContext(t), meta.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	return allow
}

// breakWebhook puts a webhook in the way that nobody answers.
func breakWebhook(t *testing.T, namespace, group, resource string) (mend func()) {
	t.Helper()
	selector, rule := matched(namespace, group, resource)
	name := "broken-" + namespace
	api := cluster.Admin.Kube.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	_, err := api.Create(t.Context(), &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name: "broken.example.com", NamespaceSelector: selector, Rules: []admissionv1.RuleWithOperations{rule},
			ClientConfig:  admissionv1.WebhookClientConfig{URL: ptr.To("https://127.0.0.1:1/")},
			FailurePolicy: ptr.To(admissionv1.Fail), SideEffects: ptr.To(admissionv1.SideEffectClassNone),
			TimeoutSeconds: ptr.To[int32](2), AdmissionReviewVersions: []string{"v1"},
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	mend = func() {
		if err := api.Delete(harness.CleanupContext(t), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	}
	return mend
}

// awaitInTheWay waits until kube-apiserver acts on a new policy or webhook.
func (s subject) awaitInTheWay(t *testing.T, group, resource, object string) {
	t.Helper()
	path := "/api/v1/namespaces/"
	if group != "" {
		path = "/apis/" + group + "/v1/namespaces/"
	}
	harness.Eventually(t, "a change of "+object+" is refused", func(ctx context.Context) error {
		err := cluster.Admin.Kube.CoreV1().RESTClient().Patch(types.MergePatchType).
			AbsPath(path+s.Namespace+"/"+resource+"/"+object).Param("dryRun", "All").
			Body([]byte(`{"metadata":{"labels":{"example.com/probe":"x"}}}`)).Do(ctx).Error()
		if err == nil {
			return errors.New("it is accepted")
		}
		return nil
	})
}

// Whatever part of a server the cluster refuses, the configuration and the pod template stay together, so that a pod that
// is lost meanwhile comes back as it was.
func TestAPartThatTheClusterRefusesIsToldAndAppliedOnceItMay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, group, resource, object string
		obstacle                      func(t *testing.T, namespace, group, resource string) func()
		reason                        string
		says                          []string
		// rollsOut says that the rest of the server is changed meanwhile.
		rollsOut bool
	}{
		{"a StatefulSet that a policy forbids", "apps", "statefulsets", "files", forbid, "ApplyRefused", []string{"the house rules forbid this", "StatefulSet files", "Tried again every"}, false},
		{"a ConfigMap that a policy forbids", "", "configmaps", "files-config", forbid, "ApplyRefused", []string{"the house rules forbid this", "ConfigMap files-config"}, false},
		{"a Service that a policy forbids", "", "services", "files-api", forbid, "ApplyRefused", []string{"the house rules forbid this", "Service files-api"}, true},
		{"a StatefulSet whose webhook is broken", "apps", "statefulsets", "files", breakWebhook, "ApplyFailed", []string{"broken.example.com", "StatefulSet files", "tried again"}, false},
		{"a ConfigMap whose webhook is broken", "", "configmaps", "files-config", breakWebhook, "ApplyFailed", []string{"broken.example.com", "ConfigMap files-config"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSubject(t)
			before, hash, config := s.Parts(t), s.hash(t), s.Config(t)
			remove := c.obstacle(t, s.Namespace, c.group, c.resource)
			s.awaitInTheWay(t, c.group, c.resource, c.object)
			s.patch(t, `{"spec":{"logging":{"level":"DEBUG"},"service":{"annotations":{"example.com/a":"b"}}}}`)
			message := s.AwaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, c.reason)
			for _, part := range c.says {
				if !strings.Contains(message, part) {
					t.Errorf("Ready does not say %q: %s", part, message)
				}
			}
			if c.rollsOut {
				if now := s.Config(t); now == config {
					t.Error("the configuration, which nobody refuses, was not changed")
				}
			} else {
				// Several passes later as well.
				awaitControllers(t)
				if now := s.hash(t); now != hash {
					t.Errorf("the template has another config hash, %s instead of %s", now, hash)
				}
				if now := s.Config(t); now != config {
					t.Error("the configuration was changed under a template that was not")
				}
				before.ExpectKept(t, s.Subject, "pods/")
			}
			remove()
			within(t, recovery, "the server is Ready", func() { s.AwaitReady(t) })
			if now := s.hash(t); now == hash || s.Config(t) == config {
				t.Error("the edit was lost")
			}
			s.expectRevisions(t, 2)
			before.ExpectKept(t, s.Subject, "statefulsets/", "configmaps/", "services/", "secrets/", "persistentvolumeclaims/")
		})
	}
}

// A new server that is refused something waits for it, and starts once.
func TestANewServerWaitsForThePartThatTheClusterRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, group, resource string }{
		{"its StatefulSet", "apps", "statefulsets"}, {"its ConfigMap", "", "configmaps"}, {"its Services", "", "services"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := subjectOf(cluster.Namespace(t), "files")
			allow := forbid(t, s.Namespace, c.group, c.resource)
			s.awaitPolicy(t, c.group, c.resource)
			s.create(t)
			message := s.AwaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "ApplyRefused")
			if !strings.Contains(message, "the house rules forbid this") {
				t.Errorf("Ready does not have the policy's own words: %s", message)
			}
			allow()
			within(t, recovery, "the server is Ready", func() { s.AwaitReady(t) })
			s.expectOnce(t)
		})
	}
}

// awaitPolicy waits until a policy is acted on in a namespace that has nothing yet.
func (s subject) awaitPolicy(t *testing.T, group, resource string) {
	t.Helper()
	apiVersion, path, kind, spec := "v1", "/api/v1/namespaces/", map[string]string{"configmaps": "ConfigMap", "services": "Service", "statefulsets": "StatefulSet"}[resource], ""
	switch resource {
	case "services":
		spec = `,"spec":{"ports":[{"port":80}]}`
	case "statefulsets":
		apiVersion, path = group+"/v1", "/apis/"+group+"/v1/namespaces/"
		spec = `,"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}`
	}
	body := fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":"probe"}%s}`, apiVersion, kind, spec)
	harness.Eventually(t, "new "+resource+" are refused", func(ctx context.Context) error {
		err := cluster.Admin.Kube.CoreV1().RESTClient().Post().AbsPath(path+s.Namespace+"/"+resource).Param("dryRun", "All").
			SetHeader("Content-Type", "application/json").Body([]byte(body)).Do(ctx).Error()
		if err == nil || !strings.Contains(err.Error(), "the house rules forbid this") {
			return fmt.Errorf("a probe gives %w", errors.Join(err, errors.New("no refusal")))
		}
		return nil
	})
}
