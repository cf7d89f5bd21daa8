// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package hostadmission

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	reviewv1 "k8s.io/api/admission/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// ValidatingWebhook wants a webhook of the cluster to refuse a server by what it is, with its defaults, and by who asks.
func ValidatingWebhook(t *testing.T, c *harness.Cluster) {
	t.Helper()
	namespace := c.Namespace(t)
	config := &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name:                    "images.example.com",
			ClientConfig:            serve(t, judge),
			Rules:                   []admissionv1.RuleWithOperations{writesOf("dittoservers")},
			NamespaceSelector:       inNamespace(namespace),
			FailurePolicy:           ptr.To(admissionv1.Fail),
			SideEffects:             ptr.To(admissionv1.SideEffectClassNone),
			AdmissionReviewVersions: []string{"v1"},
		}},
	}
	api := c.Admin.Kube.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	if _, err := api.Create(t.Context(), config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	message := fmt.Sprintf(`admission webhook "images.example.com" denied the request: CREATE of example/dfs:v1 by %s`, c.Admin.Name)
	expectCreateRefused(t, c, namespace, foreign(), message)
	c.CreateDittoServer(t, namespace, "files")
	_, err := c.Admin.DittoServers(namespace).Patch(t.Context(), "files", types.MergePatchType, []byte(`{"spec":{"image":"example/dfs:v2"}}`), metav1.PatchOptions{})
	if err := refused(err, "denied the request: UPDATE of example/dfs:v2"); err != nil {
		t.Error(err)
	}
}

// judge refuses images that are not the project's own.
func judge(request *reviewv1.AdmissionRequest) *reviewv1.AdmissionResponse {
	var server dittofsv1alpha1.DittoServer
	if err := json.Unmarshal(request.Object.Raw, &server); err != nil {
		return &reviewv1.AdmissionResponse{Result: &metav1.Status{Message: err.Error()}}
	}
	if strings.HasPrefix(server.Spec.Image, "marmos91c/") {
		return &reviewv1.AdmissionResponse{Allowed: true}
	}
	message := fmt.Sprintf("%s of %s by %s", request.Operation, server.Spec.Image, request.UserInfo.Username)
	return &reviewv1.AdmissionResponse{Result: &metav1.Status{Message: message}}
}

// MutatingWebhook wants a webhook of the cluster to change new servers. What it makes of them must be valid.
func MutatingWebhook(t *testing.T, c *harness.Cluster) {
	t.Helper()
	namespace := c.Namespace(t)
	config := &admissionv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Webhooks: []admissionv1.MutatingWebhook{{
			Name:                    "defaults.example.com",
			ClientConfig:            serve(t, change),
			Rules:                   []admissionv1.RuleWithOperations{writesOf("dittoservers")},
			NamespaceSelector:       inNamespace(namespace),
			FailurePolicy:           ptr.To(admissionv1.Fail),
			SideEffects:             ptr.To(admissionv1.SideEffectClassNone),
			AdmissionReviewVersions: []string{"v1"},
		}},
	}
	api := c.Admin.Kube.AdmissionregistrationV1().MutatingWebhookConfigurations()
	if _, err := api.Create(t.Context(), config, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	expectMutated(t, c, namespace)
	harness.Eventually(t, "what a webhook makes of a server is validated", func(ctx context.Context) error {
		_, err := c.Admin.DittoServers(namespace).Create(ctx, harness.NewDittoServer("broken"), metav1.CreateOptions{DryRun: dryRun})
		return refused(err, `spec.logging.level: Unsupported value: "LOUD"`)
	})
}

// change patches servers as the mutating tests expect it, and the one named broken to what is not valid.
func change(request *reviewv1.AdmissionRequest) *reviewv1.AdmissionResponse {
	level := "DEBUG"
	if request.Name == "broken" {
		level = "LOUD"
	}
	return &reviewv1.AdmissionResponse{
		Allowed: true, PatchType: ptr.To(reviewv1.PatchTypeJSONPatch),
		// A replace: the level is there by default, before any webhook is asked.
		Patch: fmt.Appendf(nil, `[{"op":"add","path":"/metadata/labels","value":{"team":"storage"}},{"op":"replace","path":"/spec/logging/level","value":%q}]`, level),
	}
}

// serve answers reviews until the end of the test.
func serve(t *testing.T, decide func(*reviewv1.AdmissionRequest) *reviewv1.AdmissionResponse) admissionv1.WebhookClientConfig {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review reviewv1.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil || review.Request == nil {
			http.Error(w, fmt.Sprintf("no review: %v", err), http.StatusBadRequest)
			return
		}
		review.Response = decide(review.Request)
		review.Response.UID, review.Request = review.Request.UID, nil
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(review)
	}))
	t.Cleanup(server.Close)
	return admissionv1.WebhookClientConfig{
		URL:      ptr.To(server.URL + "/review"),
		CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
	}
}
