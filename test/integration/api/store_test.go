// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func quantity(text string) resource.Quantity { return resource.MustParse(text) }

// current reads what is stored.
func current(t *testing.T, namespace, name string) *dittofsv1alpha1.DittoServer {
	t.Helper()
	server, err := cluster.Admin.DittoServers(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// expectVersion fails the test if anything was stored since that version.
func expectVersion(t *testing.T, namespace, name, version string) {
	t.Helper()
	if got := current(t, namespace, name).ResourceVersion; got != version {
		t.Errorf("stored state of %s has changed: resource version %s, want %s", name, got, version)
	}
}

// removeFinalizers does what our controller would do at the end of a deletion.
func removeFinalizers(t *testing.T, namespace, name string) {
	t.Helper()
	_, err := cluster.Admin.DittoServers(namespace).Patch(t.Context(), name, types.MergePatchType,
		[]byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}, "finalize")
	if err != nil {
		t.Fatal(err)
	}
}

// setStatus does what our controller would do.
func setStatus(t *testing.T, namespace, name string, change func(*dittofsv1alpha1.DittoServerStatus)) *dittofsv1alpha1.DittoServer {
	t.Helper()
	server := current(t, namespace, name)
	change(&server.Status)
	updated, err := cluster.Admin.DittoServers(namespace).UpdateStatus(t.Context(), server, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return updated
}

func condition(kind string, status metav1.ConditionStatus, reason string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: "by a test", LastTransitionTime: metav1.Now().Rfc3339Copy()}
}

// untyped is the object as a user may write it: what a typed client would never send can be put in.
func untyped(t *testing.T, server *dittofsv1alpha1.DittoServer) *unstructured.Unstructured {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(server)
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{Object: content}
	object.SetGroupVersionKind(dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer"))
	return object
}

func toYAML(t *testing.T, server *dittofsv1alpha1.DittoServer) string {
	t.Helper()
	text, err := yaml.Marshal(untyped(t, server).Object)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// owners lists, for each field manager, whether its entries hold a field, given as "f:spec" or deeper.
func owners(t *testing.T, server *dittofsv1alpha1.DittoServer, path ...string) []string {
	t.Helper()
	var managers []string
	for _, entry := range server.ManagedFields {
		var fields map[string]any
		if err := yaml.Unmarshal(entry.FieldsV1.GetRawBytes(), &fields); err != nil {
			t.Fatal(err)
		}
		if _, found, _ := unstructured.NestedFieldNoCopy(fields, path...); found {
			managers = append(managers, entry.Manager)
		}
	}
	return managers
}
