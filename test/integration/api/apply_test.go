// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	acmetav1 "k8s.io/client-go/applyconfigurations/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	ac "github.com/dittofs/dittofs-apiserver/pkg/generated/applyconfiguration/dittofs/v1alpha1"
)

func small(namespace, name string) *ac.DittoServerApplyConfiguration {
	return ac.DittoServer(name, namespace).
		WithSpec(ac.DittoServerSpec().WithStorage(ac.StorageSpec().WithMetadataSize(quantity("1Gi"))))
}

func TestApplyCreatesUpdatesAndRepeatsWithoutAWrite(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	options := metav1.ApplyOptions{FieldManager: "gitops"}
	created, err := client.Apply(t.Context(), small(namespace, "files"), options)
	if err != nil {
		t.Fatal(err)
	}
	repeated, err := client.Apply(t.Context(), small(namespace, "files"), options)
	if err != nil {
		t.Fatal(err)
	}
	if repeated.ResourceVersion != created.ResourceVersion {
		t.Error("the same apply was stored again")
	}
	changed := small(namespace, "files")
	changed.Spec.WithImage("example/dfs:v1").WithService(ac.ServiceSpec().WithAnnotations(map[string]string{"a": "b"}))
	updated, err := client.Apply(t.Context(), changed, options)
	if err != nil {
		t.Fatal(err)
	}
	if updated.Spec.Image != "example/dfs:v1" || updated.Generation != 2 {
		t.Errorf("generation %d, image %s", updated.Generation, updated.Spec.Image)
	}
	// What is no longer applied goes, or goes back to its default.
	reduced, err := client.Apply(t.Context(), small(namespace, "files"), options)
	if err != nil {
		t.Fatal(err)
	}
	if reduced.Spec.Image != "marmos91c/dittofs:v0.29.0" || len(reduced.Spec.Service.Annotations) != 0 {
		t.Errorf("what was taken out of the apply is still there: %+v", reduced.Spec)
	}
}

func TestApplyConflictsNameTheOtherManagerAndForceTakesOver(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	first := small(namespace, "files")
	first.Spec.WithImage("example/dfs:v1")
	applied, err := client.Apply(t.Context(), first, metav1.ApplyOptions{FieldManager: "gitops"})
	if err != nil {
		t.Fatal(err)
	}

	other := ac.DittoServer("files", namespace).WithSpec(ac.DittoServerSpec().WithImage("example/dfs:v2"))
	_, err = client.Apply(t.Context(), other, metav1.ApplyOptions{FieldManager: "person"})
	expectRefusal(t, err, 409, "gitops", ".spec.image")
	if causes := err.(apierrors.APIStatus).Status().Details.Causes; len(causes) != 1 || causes[0].Field != ".spec.image" {
		t.Errorf("causes: %+v", causes)
	}
	expectVersion(t, namespace, "files", applied.ResourceVersion)

	taken, err := client.Apply(t.Context(), other, metav1.ApplyOptions{FieldManager: "person", Force: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := owners(t, taken, "f:spec", "f:image"); !slices.Equal(got, []string{"person"}) || taken.Spec.Image != "example/dfs:v2" {
		t.Errorf("image %s is owned by %v, want person alone", taken.Spec.Image, got)
	}

	same := ac.DittoServer("files", namespace).WithSpec(ac.DittoServerSpec().WithImage("example/dfs:v2"))
	shared, err := client.Apply(t.Context(), same, metav1.ApplyOptions{FieldManager: "third"})
	if err != nil {
		t.Fatalf("the same value is no conflict: %v", err)
	}
	if got := owners(t, shared, "f:spec", "f:image"); len(got) != 2 {
		t.Errorf("the image is owned by %v, want two", got)
	}
}

func TestKubectlApplyServerSideReportsConflicts(t *testing.T) {
	namespace := cluster.Namespace(t)
	kubectl := cluster.Admin.Kubectl(namespace)
	manifest := func(image string) string {
		return "apiVersion: dittofs.io/v1alpha1\nkind: DittoServer\nmetadata:\n  name: files\nspec:\n  image: " + image + "\n  storage:\n    metadataSize: 1Gi\n"
	}
	kubectl.Stdin(manifest("example/dfs:v1")).Run(t, "apply", "--server-side", "--field-manager=one", "-f", "-")
	message := kubectl.Stdin(manifest("example/dfs:v2")).Fail(t, "apply", "--server-side", "--field-manager=two", "-f", "-")
	if !strings.Contains(message, `conflict with "one"`) || !strings.Contains(message, ".spec.image") {
		t.Errorf("kubectl says %s", message)
	}
	kubectl.Stdin(manifest("example/dfs:v2")).Run(t, "apply", "--server-side", "--field-manager=two", "--force-conflicts", "-f", "-")
	// And without --server-side, for who has not changed over.
	kubectl.Stdin(manifest("example/dfs:v3")).Run(t, "apply", "-f", "-")
	if got := current(t, namespace, "files").Spec.Image; got != "example/dfs:v3" {
		t.Errorf("image %s", got)
	}
}

func TestApplyOfTheObjectCannotOwnItsStatus(t *testing.T) {
	namespace := cluster.Namespace(t)
	config := small(namespace, "files").WithStatus(ac.DittoServerStatus().WithPhase(dittofsv1alpha1.PhaseRunning))
	applied, err := cluster.Admin.DittoServers(namespace).Apply(t.Context(), config, metav1.ApplyOptions{FieldManager: "gitops"})
	if err != nil {
		t.Fatal(err)
	}
	if applied.Status.Phase != "" {
		t.Errorf("status was written: %+v", applied.Status)
	}
	if got := owners(t, applied, "f:status"); len(got) != 0 {
		t.Errorf("status is owned by %v", got)
	}
}

func TestApplyOfTheStatusOwnsAndChangesTheStatusOnly(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	if _, err := client.Apply(t.Context(), small(namespace, "files"), metav1.ApplyOptions{FieldManager: "gitops"}); err != nil {
		t.Fatal(err)
	}
	ready := acmetav1.Condition().WithType("Ready").WithStatus(metav1.ConditionTrue).WithReason("AllReady").
		WithMessage("").WithLastTransitionTime(metav1.Now())
	config := ac.DittoServer("files", namespace).WithLabels(map[string]string{"a": "b"}).WithFinalizers("example.com/x").
		WithSpec(ac.DittoServerSpec().WithImage("example/dfs:v9")).
		WithStatus(ac.DittoServerStatus().WithPhase(dittofsv1alpha1.PhaseRunning).WithConditions(ready))
	applied, err := client.ApplyStatus(t.Context(), config, metav1.ApplyOptions{FieldManager: "controller", Force: true})
	if err != nil {
		t.Fatal(err)
	}
	if applied.Spec.Image == "example/dfs:v9" || len(applied.Labels) != 0 || slices.Contains(applied.Finalizers, "example.com/x") || applied.Generation != 1 {
		t.Errorf("more than the status has changed: %+v %s", applied.ObjectMeta, applied.Spec.Image)
	}
	if applied.Status.Phase != dittofsv1alpha1.PhaseRunning || !meta.IsStatusConditionTrue(applied.Status.Conditions, "Ready") {
		t.Errorf("status: %+v", applied.Status)
	}
	if got := owners(t, applied, "f:status", "f:phase"); !slices.Equal(got, []string{"controller"}) {
		t.Errorf("the phase is owned by %v", got)
	}
	for _, path := range [][]string{{"f:spec", "f:image"}, {"f:metadata", "f:labels"}, {"f:metadata", "f:finalizers", `v:"example.com/x"`}} {
		if got := owners(t, applied, path...); slices.Contains(got, "controller") {
			t.Errorf("%v is owned by %v", path, got)
		}
	}
	// Two controllers each own a condition of their own.
	config = ac.DittoServer("files", namespace).WithStatus(ac.DittoServerStatus().WithConditions(
		acmetav1.Condition().WithType("Backup").WithStatus(metav1.ConditionTrue).WithReason("Done").WithMessage("").WithLastTransitionTime(metav1.Now())))
	applied, err = client.ApplyStatus(t.Context(), config, metav1.ApplyOptions{FieldManager: "another"})
	if err != nil {
		t.Fatal(err)
	}
	if len(applied.Status.Conditions) != 2 {
		t.Errorf("conditions of two managers: %+v", applied.Status.Conditions)
	}
}

func TestRecordsOfTheServerAreNobodysFields(t *testing.T) {
	namespace := cluster.Namespace(t)
	config := small(namespace, "files").WithAnnotations(map[string]string{
		dittofsv1alpha1.AnnotationNamespaceUID: "forged", dittofsv1alpha1.AnnotationDeletionPropagation: "Orphan", "mine": "kept",
	})
	applied, err := cluster.Admin.DittoServers(namespace).Apply(t.Context(), config, metav1.ApplyOptions{FieldManager: "gitops"})
	if err != nil {
		t.Fatal(err)
	}
	for annotation, want := range map[string][]string{
		dittofsv1alpha1.AnnotationNamespaceUID: nil, dittofsv1alpha1.AnnotationDeletionPropagation: nil, "mine": {"gitops"},
	} {
		if got := owners(t, applied, "f:metadata", "f:annotations", "f:"+annotation); !slices.Equal(got, want) {
			t.Errorf("%s is owned by %v, want %v", annotation, got, want)
		}
	}
}
