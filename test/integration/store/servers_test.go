// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func awaitReady(t *testing.T, namespace, name string) {
	t.Helper()
	harness.Eventually(t, name+" is Ready", func(ctx context.Context) error {
		server, err := cluster.Admin.DittoServers(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		ready := meta.FindStatusCondition(server.Status.Conditions, dittofsv1alpha1.ConditionReady)
		if ready == nil || ready.Status != metav1.ConditionTrue || ready.ObservedGeneration != server.Generation {
			return fmt.Errorf("generation %d, status %+v", server.Generation, server.Status)
		}
		return nil
	})
}

func create(t *testing.T, namespace, name string) {
	t.Helper()
	cluster.CreateDittoServer(t, namespace, name)
	awaitReady(t, namespace, name)
}

// annotateService edits the spec, so that the annotation is to be on the Service.
func annotateService(ctx context.Context, namespace, name, value string) error {
	patch := fmt.Appendf(nil, `{"spec":{"service":{"annotations":{"example.com/value":%q}}}}`, value)
	_, err := cluster.Admin.DittoServers(namespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

func awaitServiceAnnotation(t *testing.T, namespace, name, want string) {
	t.Helper()
	harness.Eventually(t, "the Service has the annotation "+want, func(ctx context.Context) error {
		service, err := cluster.Admin.Kube.CoreV1().Services(namespace).Get(ctx, name+"-api", metav1.GetOptions{})
		if err == nil && service.Annotations["example.com/value"] != want {
			err = fmt.Errorf("it has %v", service.Annotations)
		}
		return err
	})
}

// versions are all objects of the namespace that a DittoServer becomes, with the version of each.
func versions(t *testing.T, namespace string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, kind := range []schema.GroupVersionResource{
		{Group: "apps", Version: "v1", Resource: "statefulsets"},
		{Version: "v1", Resource: "configmaps"},
		{Version: "v1", Resource: "persistentvolumeclaims"},
		{Version: "v1", Resource: "pods"},
		{Version: "v1", Resource: "secrets"},
		{Version: "v1", Resource: "services"},
	} {
		list, err := cluster.Admin.Metadata.Resource(kind).Namespace(namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Items {
			found[kind.Resource+"/"+item.Name] = fmt.Sprintf("UID %s at version %s", item.UID, item.ResourceVersion)
		}
	}
	return found
}

func expectUntouched(t *testing.T, namespace string, before map[string]string) {
	t.Helper()
	after := versions(t, namespace)
	for name, version := range before {
		if after[name] != version {
			t.Errorf("%s had %s and has %q", name, version, after[name])
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			t.Errorf("%s is new", name)
		}
	}
}

// expectWritesRefused tries every kind of write as an admin.
func expectWritesRefused(t *testing.T, namespace, name string) {
	t.Helper()
	servers := cluster.Admin.DittoServers(namespace)
	stored, err := servers.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	apply := `{"apiVersion":"dittofs.io/v1alpha1","kind":"DittoServer","spec":{"replicas":0}}`
	for what, write := range map[string]func() error{
		"create": func() error {
			_, err := servers.Create(t.Context(), harness.NewDittoServer("another"), metav1.CreateOptions{})
			return err
		},
		"update": func() error {
			_, err := servers.Update(t.Context(), stored.DeepCopy(), metav1.UpdateOptions{})
			return err
		},
		"update of the status": func() error {
			_, err := servers.UpdateStatus(t.Context(), stored.DeepCopy(), metav1.UpdateOptions{})
			return err
		},
		"patch": func() error { return annotateService(t.Context(), namespace, name, "refused") },
		"apply": func() error {
			_, err := servers.Patch(t.Context(), name, types.ApplyPatchType, []byte(apply), metav1.PatchOptions{FieldManager: "test"})
			return err
		},
		"scale": func() error {
			_, err := servers.Patch(t.Context(), name, types.MergePatchType, []byte(`{"spec":{"replicas":0}}`), metav1.PatchOptions{}, "scale")
			return err
		},
		"delete": func() error { return servers.Delete(t.Context(), name, metav1.DeleteOptions{}) },
		"delete of all": func() error {
			return servers.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{})
		},
	} {
		err := write()
		if !apierrors.IsServiceUnavailable(err) || !strings.Contains(err.Error(), "--accept-store") {
			t.Errorf("%s is answered with %v, want 503 and the name of the flag", what, err)
		}
	}
	now, err := servers.Get(t.Context(), name, metav1.GetOptions{})
	if err != nil || now.ResourceVersion != stored.ResourceVersion {
		t.Errorf("the stored object was changed: %v", err)
	}
}
