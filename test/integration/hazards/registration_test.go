// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package hazards_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

const apiService = "v1alpha1.dittofs.io"

func apiServices() dynamic.ResourceInterface {
	return cluster.Admin.Dynamic.Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"})
}

// registered returns the registration of our API as somebody would write it who makes it anew.
func registered(t *testing.T) *unstructured.Unstructured {
	t.Helper()
	object, err := apiServices().Get(t.Context(), apiService, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	spec := object.Object["spec"]
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": object.GetAPIVersion(), "kind": object.GetKind(), "metadata": map[string]any{"name": apiService}, "spec": spec,
	}}
}

// awaitAvailable waits until the condition Available is as wanted, and returns its message.
func awaitAvailable(t *testing.T, want metav1.ConditionStatus) (message string) {
	t.Helper()
	harness.Eventually(t, "the APIService is Available="+string(want), func(ctx context.Context) error {
		object, err := apiServices().Get(ctx, apiService, metav1.GetOptions{})
		if err != nil {
			return err
		}
		conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
		for _, item := range conditions {
			condition, _ := item.(map[string]any)
			if condition["type"] == "Available" && condition["status"] == string(want) {
				message = fmt.Sprint(condition["reason"], ": ", condition["message"])
				return nil
			}
		}
		return fmt.Errorf("conditions are %v", conditions)
	})
	return message
}

func TestHazard08ACertificateThatDoesNotVerifyIsToldByTheAPIService(t *testing.T) {
	good := registered(t)
	t.Cleanup(func() {
		bundle, _, _ := unstructured.NestedString(good.Object, "spec", "caBundle")
		patch := fmt.Appendf(nil, `{"spec":{"caBundle":%q}}`, bundle)
		if _, err := apiServices().Patch(harness.CleanupContext(t), apiService, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			t.Error(err)
		}
		cluster.AwaitServed(t)
	})
	// The authority of the cluster has signed nothing of ours.
	stranger, err := cluster.Admin.Kube.CoreV1().ConfigMaps("kube-system").Get(t.Context(), "extension-apiserver-authentication", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	patch := fmt.Appendf(nil, `{"spec":{"caBundle":%q}}`, base64.StdEncoding.EncodeToString([]byte(stranger.Data["client-ca-file"])))
	if _, err := apiServices().Patch(t.Context(), apiService, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	message := awaitAvailable(t, metav1.ConditionFalse)
	for _, want := range []string{"FailedDiscoveryCheck", "x509", "unknown authority"} {
		if !strings.Contains(message, want) {
			t.Errorf("the APIService does not tell of %q: %s", want, message)
		}
	}
}

// Clients cache which kinds there are. Each run of kubectl here is one that has never asked before.
func TestHazard22TheKindIsThereOnceTheAPIServiceIsAvailable(t *testing.T) {
	registration := registered(t)
	for n := range 3 {
		if err := apiServices().Delete(t.Context(), apiService, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		newcomer := cluster.User(t, fmt.Sprintf("newcomer-%d", n), "system:masters").Kubectl("default")
		harness.Eventually(t, "the kind is gone", func(context.Context) error {
			if newcomer.Env("KUBECACHEDIR="+t.TempDir()).Try(t, "get", "dittoservers.dittofs.io").ExitCode == 0 {
				return errors.New("it is served")
			}
			return nil
		})
		if _, err := apiServices().Create(t.Context(), registration.DeepCopy(), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		// As docs/install.md has it.
		newcomer.Run(t, "wait", "apiservice", apiService, "--for=condition=Available", "--timeout=300s")
		newcomer.Env("KUBECACHEDIR="+t.TempDir()).Run(t, "get", "dittoservers.dittofs.io")
	}
}
