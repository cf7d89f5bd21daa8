// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func TestDryRunAnswersAsIfAndStoresNothing(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	all := []string{metav1.DryRunAll}
	ctx := t.Context()

	created, err := client.Create(ctx, harness.NewDittoServer("ghost"), metav1.CreateOptions{DryRun: all})
	if err != nil {
		t.Fatal(err)
	}
	if created.Spec.Image == "" || created.Annotations[dittofsv1alpha1.AnnotationNamespaceUID] == "" {
		t.Errorf("the answer lacks defaults or admission: %+v", created)
	}
	if _, err := client.Get(ctx, "ghost", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a dry run was stored: %v", err)
	}

	server := cluster.CreateDittoServer(t, namespace, "files")
	version := server.ResourceVersion
	server.Spec.Image = "example/dfs:v1"
	updated, err := client.Update(ctx, server, metav1.UpdateOptions{DryRun: all})
	if err != nil {
		t.Fatal(err)
	}
	if updated.Spec.Image != "example/dfs:v1" || updated.Generation != 2 {
		t.Errorf("the answer to an update: generation %d, %s", updated.Generation, updated.Spec.Image)
	}
	expectVersion(t, namespace, "files", version)

	patches := map[types.PatchType]string{
		types.MergePatchType:          `{"spec":{"replicas":0}}`,
		types.StrategicMergePatchType: `{"spec":{"replicas":0}}`,
		types.JSONPatchType:           `[{"op":"replace","path":"/spec/replicas","value":0}]`,
		types.ApplyPatchType:          `{"apiVersion":"dittofs.io/v1alpha1","kind":"DittoServer","spec":{"replicas":0}}`,
	}
	for kind, patch := range patches {
		force := kind == types.ApplyPatchType
		options := metav1.PatchOptions{DryRun: all, FieldManager: "test"}
		if force {
			options.Force = &force
		}
		patched, err := client.Patch(ctx, "files", kind, []byte(patch), options)
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if *patched.Spec.Replicas != 0 {
			t.Errorf("%s: the answer has %d replicas", kind, *patched.Spec.Replicas)
		}
		expectVersion(t, namespace, "files", version)
	}

	status := current(t, namespace, "files")
	status.Status.Phase = dittofsv1alpha1.PhaseRunning
	if _, err := client.UpdateStatus(ctx, status, metav1.UpdateOptions{DryRun: all}); err != nil {
		t.Error(err)
	}
	scale, err := client.GetScale(ctx, "files", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	scale.Spec.Replicas = 0
	if _, err := client.UpdateScale(ctx, "files", scale, metav1.UpdateOptions{DryRun: all}); err != nil {
		t.Error(err)
	}
	if err := client.Delete(ctx, "files", metav1.DeleteOptions{DryRun: all}); err != nil {
		t.Error(err)
	}
	if err := client.DeleteCollection(ctx, metav1.DeleteOptions{DryRun: all}, metav1.ListOptions{}); err != nil {
		t.Error(err)
	}
	expectVersion(t, namespace, "files", version)

	invalid := harness.NewDittoServer("Bad.Name")
	if _, err := client.Create(ctx, invalid, metav1.CreateOptions{DryRun: all}); !apierrors.IsInvalid(err) {
		t.Errorf("a dry run of an invalid object: %v, want 422", err)
	}
}

func TestKubectlDryRun(t *testing.T) {
	namespace := cluster.Namespace(t)
	kubectl := cluster.Admin.Kubectl(namespace)
	manifest := toYAML(t, harness.NewDittoServer("files"))
	if out := kubectl.Stdin(manifest).Run(t, "apply", "--dry-run=server", "-f", "-"); !strings.Contains(out, "created (server dry run)") {
		t.Errorf("apply says %s", out)
	}
	if out := kubectl.Run(t, "get", "dittoservers", "-o", "name"); out != "" {
		t.Errorf("stored: %s", out)
	}
}
