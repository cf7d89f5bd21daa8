// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestEachTypeOfPatchChangesWhatItNames(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	cases := []struct {
		name  string
		kind  types.PatchType
		patch string
	}{
		{"json", types.JSONPatchType, `[{"op":"test","path":"/spec/image","value":"example/dfs:v1"},{"op":"replace","path":"/spec/image","value":"example/dfs:v2"}]`},
		{"merge", types.MergePatchType, `{"spec":{"image":"example/dfs:v2"}}`},
		{"strategic-merge", types.StrategicMergePatchType, `{"spec":{"image":"example/dfs:v2"}}`},
		{"apply", types.ApplyPatchType, `{"apiVersion":"dittofs.io/v1alpha1","kind":"DittoServer","spec":{"image":"example/dfs:v2","storage":{"metadataSize":"1Gi"}}}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cluster.CreateDittoServer(t, namespace, c.name, func(s *dittofsv1alpha1.DittoServer) {
				s.Spec.Image, s.Spec.Service.Annotations = "example/dfs:v1", map[string]string{"a": "b"}
			})
			options := metav1.PatchOptions{FieldManager: "patcher"}
			if c.kind == types.ApplyPatchType {
				options.Force = ptr.To(true)
			}
			patched, err := client.Patch(t.Context(), c.name, c.kind, []byte(c.patch), options)
			if err != nil {
				t.Fatal(err)
			}
			if patched.Spec.Image != "example/dfs:v2" || patched.Generation != 2 || patched.Spec.Service.Annotations["a"] != "b" {
				t.Errorf("patched to generation %d: %+v", patched.Generation, patched.Spec)
			}
			if !slices.Contains(owners(t, patched, "f:spec", "f:image"), "patcher") {
				t.Errorf("the patcher does not own what it changed: %v", patched.ManagedFields)
			}
		})
	}
}

func TestPatchesThatCannotApplyChangeNothing(t *testing.T) {
	namespace := cluster.Namespace(t)
	server := cluster.CreateDittoServer(t, namespace, "files")
	cases := []struct {
		name  string
		kind  types.PatchType
		patch string
		code  int32
		want  string
	}{
		{"a json patch whose test fails", types.JSONPatchType, `[{"op":"test","path":"/spec/image","value":"other"}]`, 422, ""},
		{"a json patch of a path that is not there", types.JSONPatchType, `[{"op":"replace","path":"/spec/nothing/here","value":1}]`, 422, ""},
		{"a merge patch that is no object", types.MergePatchType, `[1]`, 400, ""},
		{"a merge patch of an old version", types.MergePatchType, `{"metadata":{"resourceVersion":"1"},"spec":{"replicas":0}}`, 409, "the object has been modified"},
		{"a merge patch of another name", types.MergePatchType, `{"metadata":{"name":"other"}}`, 400, "name"},
		{"a strategic merge patch that is no json", types.StrategicMergePatchType, `{`, 400, ""},
		{"a patch that names an unknown field", types.MergePatchType, `{"spec":{"replica":0}}`, 422, `unknown field "spec.replica"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := cluster.Admin.DittoServers(namespace).Patch(t.Context(), "files", c.kind, []byte(c.patch),
				metav1.PatchOptions{FieldValidation: metav1.FieldValidationStrict})
			expectRefusal(t, err, c.code, c.want)
			expectVersion(t, namespace, "files", server.ResourceVersion)
		})
	}
}

// expectRefusal checks the code of an error and that its message says all that is wanted.
func expectRefusal(t *testing.T, err error, code int32, wants ...string) {
	t.Helper()
	status, ok := err.(apierrors.APIStatus)
	if !ok {
		t.Fatalf("got %v, want a refusal with %d", err, code)
	}
	if status.Status().Code != code {
		t.Errorf("code %d, want %d: %v", status.Status().Code, code, err)
	}
	for _, want := range wants {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the message lacks %q: %v", want, err)
		}
	}
}

func TestStrategicMergeOfConditionsMergesByType(t *testing.T) {
	namespace := cluster.Namespace(t)
	cluster.CreateDittoServer(t, namespace, "files")
	setStatus(t, namespace, "files", func(status *dittofsv1alpha1.DittoServerStatus) {
		status.Conditions = []metav1.Condition{
			condition("Ready", metav1.ConditionFalse, "PodNotReady"),
			condition("ConfigReady", metav1.ConditionTrue, "Rendered"),
		}
	})
	patch := fmt.Sprintf(`{"status":{"conditions":[{"type":"Ready","status":"True","reason":"AllReady","message":"","lastTransitionTime":%q}]}}`,
		"2026-01-02T03:04:05Z")
	patched, err := cluster.Admin.DittoServers(namespace).Patch(t.Context(), "files", types.StrategicMergePatchType,
		[]byte(patch), metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
	conditions := patched.Status.Conditions
	if len(conditions) != 2 || !meta.IsStatusConditionTrue(conditions, "Ready") || !meta.IsStatusConditionTrue(conditions, "ConfigReady") {
		t.Errorf("conditions: %+v", conditions)
	}

	patched, err = cluster.Admin.DittoServers(namespace).Patch(t.Context(), "files", types.StrategicMergePatchType,
		[]byte(`{"status":{"conditions":[{"type":"ConfigReady","$patch":"delete"}]}}`), metav1.PatchOptions{}, "status")
	if err != nil {
		t.Fatal(err)
	}
	if len(patched.Status.Conditions) != 1 || patched.Status.Conditions[0].Type != "Ready" {
		t.Errorf("after the removal of one: %+v", patched.Status.Conditions)
	}
}

func TestKubectlPatchTakesAllTypes(t *testing.T) {
	namespace := cluster.Namespace(t)
	cluster.CreateDittoServer(t, namespace, "files")
	kubectl := cluster.Admin.Kubectl(namespace)
	for i, kind := range []string{"merge", "strategic", "json"} {
		image := fmt.Sprintf("example/dfs:v%d", i)
		patch := fmt.Sprintf(`{"spec":{"image":%q}}`, image)
		if kind == "json" {
			patch = fmt.Sprintf(`[{"op":"replace","path":"/spec/image","value":%q}]`, image)
		}
		kubectl.Run(t, "patch", "dittoserver", "files", "--type="+kind, "-p", patch)
		if got := current(t, namespace, "files").Spec.Image; got != image {
			t.Errorf("after a patch of type %s: image %s", kind, got)
		}
	}
}
