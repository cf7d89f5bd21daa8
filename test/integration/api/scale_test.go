// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
	scaleclient "k8s.io/client-go/scale"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestKubectlScales(t *testing.T) {
	namespace := cluster.Namespace(t)
	cluster.CreateDittoServer(t, namespace, "files")
	kubectl := cluster.Admin.Kubectl(namespace)
	for generation, replicas := range []int32{0, 1} {
		kubectl.Run(t, "scale", "dittoserver/files", fmt.Sprintf("--replicas=%d", replicas))
		server := current(t, namespace, "files")
		if *server.Spec.Replicas != replicas || server.Generation != int64(generation)+2 {
			t.Errorf("scaled to %d: %d replicas, generation %d", replicas, *server.Spec.Replicas, server.Generation)
		}
	}
	version := current(t, namespace, "files").ResourceVersion
	for _, replicas := range []string{"2", "100"} {
		message := kubectl.Fail(t, "scale", "dittoserver/files", "--replicas="+replicas)
		for _, want := range []string{"spec.replicas", replicas, "must be 0 or 1"} {
			if !strings.Contains(message, want) {
				t.Errorf("scaling to %s: the message lacks %q: %s", replicas, want, message)
			}
		}
	}
	expectVersion(t, namespace, "files", version)
	kubectl.Fail(t, "scale", "dittoserver/files", "--current-replicas=0", "--replicas=0")
	expectVersion(t, namespace, "files", version)
}

func TestScaleShowsWhatAutoscalersNeed(t *testing.T) {
	namespace := cluster.Namespace(t)
	server := cluster.CreateDittoServer(t, namespace, "files")
	setStatus(t, namespace, "files", func(status *dittofsv1alpha1.DittoServerStatus) {
		status.Replicas, status.Selector = 1, "app=dittofs-server,instance=files"
	})
	// The way of the horizontal pod autoscaler: kinds are resolved by discovery.
	discoverer, err := discovery.NewDiscoveryClientForConfig(cluster.Admin.Config)
	if err != nil {
		t.Fatal(err)
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(discoverer))
	client, err := scaleclient.NewForConfig(cluster.Admin.Config, mapper, dynamic.LegacyAPIPathResolverFunc, scaleclient.NewDiscoveryScaleKindResolver(discoverer))
	if err != nil {
		t.Fatal(err)
	}
	group := schema.GroupResource{Group: "dittofs.io", Resource: "dittoservers"}
	scale, err := client.Scales(namespace).Get(t.Context(), group, "files", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if scale.Spec.Replicas != 1 || scale.Status.Replicas != 1 || scale.Status.Selector != "app=dittofs-server,instance=files" || scale.UID != server.UID {
		t.Errorf("scale: %+v", scale)
	}
	scale.Spec.Replicas = 0
	if scale, err = client.Scales(namespace).Update(t.Context(), group, scale, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if scale.Spec.Replicas != 0 || *current(t, namespace, "files").Spec.Replicas != 0 {
		t.Errorf("after the update: %+v", scale)
	}
}

func TestScaleByPatchAndApplyTracksTheOwnerOfReplicas(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	first := small(namespace, "files")
	first.Spec.WithReplicas(1)
	if _, err := client.Apply(t.Context(), first, metav1.ApplyOptions{FieldManager: "gitops"}); err != nil {
		t.Fatal(err)
	}
	patch := func(kind types.PatchType, body string, options metav1.PatchOptions) error {
		return scaleRequest(t.Context(), namespace, "files", kind, body, options)
	}
	apply := `{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"files"},"spec":{"replicas":0}}`
	err := patch(types.ApplyPatchType, apply, metav1.PatchOptions{FieldManager: "autoscaler"})
	expectRefusal(t, err, 409, "gitops", ".spec.replicas")

	force := true
	if err := patch(types.ApplyPatchType, apply, metav1.PatchOptions{FieldManager: "autoscaler", Force: &force}); err != nil {
		t.Fatal(err)
	}
	server := current(t, namespace, "files")
	if got := owners(t, server, "f:spec", "f:replicas"); *server.Spec.Replicas != 0 || !slices.Equal(got, []string{"autoscaler"}) {
		t.Errorf("%d replicas, owned by %v", *server.Spec.Replicas, got)
	}
	for _, entry := range server.ManagedFields {
		if entry.Manager == "autoscaler" && entry.APIVersion != dittofsv1alpha1.SchemeGroupVersion.String() {
			t.Errorf("the entry of the autoscaler is of %s", entry.APIVersion)
		}
	}

	if err := patch(types.MergePatchType, `{"spec":{"replicas":1}}`, metav1.PatchOptions{FieldManager: "person"}); err != nil {
		t.Fatal(err)
	}
	server = current(t, namespace, "files")
	if got := owners(t, server, "f:spec", "f:replicas"); *server.Spec.Replicas != 1 || !slices.Equal(got, []string{"person"}) {
		t.Errorf("%d replicas, owned by %v", *server.Spec.Replicas, got)
	}
	for name, body := range map[string]string{"too many": `{"spec":{"replicas":2}}`, "less than none": `{"spec":{"replicas":-1}}`} {
		if err := patch(types.MergePatchType, body, metav1.PatchOptions{}); !apierrors.IsInvalid(err) {
			t.Errorf("%s: %v, want 422", name, err)
		}
	}
	if err := patch(types.MergePatchType, `{"metadata":{"resourceVersion":"1"},"spec":{"replicas":0}}`, metav1.PatchOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("a patch of an old version: %v, want 409", err)
	}
	expectVersion(t, namespace, "files", server.ResourceVersion)
}

// scaleRequest patches the Scale: the typed client would decode the answer as a DittoServer.
func scaleRequest(ctx context.Context, namespace, name string, kind types.PatchType, body string, options metav1.PatchOptions) error {
	request := cluster.Admin.DittoFS.DittofsV1alpha1().RESTClient().Patch(kind).
		Namespace(namespace).Resource("dittoservers").Name(name).SubResource("scale").
		Param("fieldManager", options.FieldManager).Body([]byte(body))
	if options.Force != nil {
		request.Param("force", fmt.Sprint(*options.Force))
	}
	return request.Do(ctx).Into(&autoscalingv1.Scale{})
}
