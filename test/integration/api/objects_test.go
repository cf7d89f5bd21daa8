// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func TestCreateFillsInWhatWasLeftOut(t *testing.T) {
	namespace := cluster.Namespace(t)
	server := cluster.CreateDittoServer(t, namespace, "files")
	if server.UID == "" || server.ResourceVersion == "" || server.CreationTimestamp.IsZero() || server.Generation != 1 {
		t.Errorf("metadata is incomplete: %+v", server.ObjectMeta)
	}
	spec := server.Spec
	got := []any{
		spec.Image, ptr.Deref(spec.Replicas, -1), spec.Storage.ControlPlaneSize.String(), spec.Database.Type,
		spec.Database.SQLite.Path, ptr.Deref(spec.ControlPlane.Port, -1), spec.Identity.Admin.Username,
		spec.Identity.JWT.AccessTokenDuration, spec.Service.Type, spec.Logging.Level, spec.Logging.Format, spec.Logging.Output,
	}
	want := "[marmos91c/dittofs:v0.29.0 1 1Gi sqlite /data/controlplane/controlplane.db 8080 admin 15m ClusterIP INFO json stdout]"
	if fmt.Sprint(got) != want {
		t.Errorf("defaults are %v, want %s", got, want)
	}
	read, err := cluster.Admin.DittoServers(namespace).Get(t.Context(), "files", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if read.ResourceVersion != server.ResourceVersion || read.UID != server.UID {
		t.Errorf("read back %s/%s, created %s/%s", read.UID, read.ResourceVersion, server.UID, server.ResourceVersion)
	}
	_, err = cluster.Admin.DittoServers(namespace).Create(t.Context(), harness.NewDittoServer("files"), metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		t.Errorf("a second create: %v, want AlreadyExists", err)
	}
}

func TestGenerateNameMakesDifferentNames(t *testing.T) {
	namespace := cluster.Namespace(t)
	names := sets.New[string]()
	for range 3 {
		server := cluster.CreateDittoServer(t, namespace, "", func(s *dittofsv1alpha1.DittoServer) { s.GenerateName = "files-" })
		if !strings.HasPrefix(server.Name, "files-") || server.Name == "files-" {
			t.Errorf("generated name %q", server.Name)
		}
		names.Insert(server.Name)
	}
	if len(names) != 3 {
		t.Errorf("names are not unique: %v", names)
	}
}

func TestListPagesThroughASnapshot(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		cluster.CreateDittoServer(t, namespace, name, func(s *dittofsv1alpha1.DittoServer) { s.Labels = map[string]string{"letter": name} })
	}
	var names []string
	options := metav1.ListOptions{Limit: 2}
	version := ""
	for page := 1; page == 1 || options.Continue != ""; page++ {
		list, err := client.List(t.Context(), options)
		if err != nil {
			t.Fatal(err)
		}
		if page == 1 {
			version = list.ResourceVersion
			if ptr.Deref(list.RemainingItemCount, 0) != 3 {
				t.Errorf("remaining items %v, want 3", list.RemainingItemCount)
			}
			// After the first page: not in the snapshot that is paged through.
			cluster.CreateDittoServer(t, namespace, "late")
		}
		if list.ResourceVersion != version {
			t.Errorf("page %d is of version %s, the first of %s", page, list.ResourceVersion, version)
		}
		for _, item := range list.Items {
			names = append(names, item.Name)
		}
		options.Continue = list.Continue
	}
	if strings.Join(names, "") != "abcde" {
		t.Errorf("listed %v", names)
	}

	selections := []struct {
		name    string
		options metav1.ListOptions
		want    []string
	}{
		{"by label", metav1.ListOptions{LabelSelector: "letter in (b,d)"}, []string{"b", "d"}},
		{"by name", metav1.ListOptions{FieldSelector: "metadata.name=c"}, []string{"c"}},
		{"any cached version", metav1.ListOptions{ResourceVersion: "0", LabelSelector: "letter=a"}, []string{"a"}},
		{"not older than a version", metav1.ListOptions{ResourceVersion: version, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan, LabelSelector: "letter=e"}, []string{"e"}},
		{"exactly a version", metav1.ListOptions{ResourceVersion: version, ResourceVersionMatch: metav1.ResourceVersionMatchExact}, []string{"a", "b", "c", "d", "e"}},
	}
	for _, c := range selections {
		t.Run(c.name, func(t *testing.T) {
			list, err := client.List(t.Context(), c.options)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, item := range list.Items {
				got = append(got, item.Name)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestUpdateNeedsTheLatestVersionOrNone(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	first := cluster.CreateDittoServer(t, namespace, "files")
	changed := first.DeepCopy()
	changed.Spec.Image = "example/dfs:v1"
	second, err := client.Update(t.Context(), changed, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}

	stale := first.DeepCopy()
	stale.Spec.Image = "example/dfs:v2"
	if _, err := client.Update(t.Context(), stale, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("an update of an old version: %v, want 409", err)
	}
	expectVersion(t, namespace, "files", second.ResourceVersion)
	if out := cluster.Admin.Kubectl(namespace).Stdin(toYAML(t, stale)).Fail(t, "replace", "-f", "-"); !strings.Contains(out, "the object has been modified") {
		t.Errorf("kubectl says %s", out)
	}

	stale.ResourceVersion = ""
	third, err := client.Update(t.Context(), stale, metav1.UpdateOptions{})
	if err != nil {
		t.Fatalf("an update without a version: %v", err)
	}
	if third.Spec.Image != "example/dfs:v2" {
		t.Errorf("image %s", third.Spec.Image)
	}

	foreign := third.DeepCopy()
	foreign.UID = "00000000-0000-0000-0000-000000000000"
	if _, err := client.Update(t.Context(), foreign, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("an update of an object with another UID: %v, want 409", err)
	}
	if _, err := client.Update(t.Context(), harness.NewDittoServer("nobody"), metav1.UpdateOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("an update of an object that is not there: %v, want 404", err)
	}
}

func TestGenerationCountsChangesOfTheSpecOnly(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	server := cluster.CreateDittoServer(t, namespace, "files")
	steps := []struct {
		name   string
		change func(*dittofsv1alpha1.DittoServer)
		want   int64
	}{
		{"a label", func(s *dittofsv1alpha1.DittoServer) { s.Labels = map[string]string{"a": "b"} }, 1},
		{"an image", func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "example/dfs:v1" }, 2},
		{"a generation of the user's own", func(s *dittofsv1alpha1.DittoServer) { s.Generation = 77 }, 2},
		{"a status", func(s *dittofsv1alpha1.DittoServer) { s.Status.Phase = dittofsv1alpha1.PhaseRunning }, 2},
		{"a number of replicas", func(s *dittofsv1alpha1.DittoServer) { s.Spec.Replicas = ptr.To[int32](0) }, 3},
		{"the same size in other words", func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.MetadataSize = ptr.To(quantity("1024Mi")) }, 3},
	}
	for _, step := range steps {
		step.change(server)
		updated, err := client.Update(t.Context(), server, metav1.UpdateOptions{})
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if updated.Generation != step.want {
			t.Errorf("after %s the generation is %d, want %d", step.name, updated.Generation, step.want)
		}
		server = updated
	}
	if server.Status.Phase != "" {
		t.Errorf("an update of the object wrote the status: %+v", server.Status)
	}
}

func TestDeleteObeysPreconditionsAndWaitsForTheFinalizer(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	server := cluster.CreateDittoServer(t, namespace, "files")
	wrong := &metav1.Preconditions{UID: ptr.To[types.UID]("00000000-0000-0000-0000-000000000000")}
	if err := client.Delete(t.Context(), "files", metav1.DeleteOptions{Preconditions: wrong}); !apierrors.IsConflict(err) {
		t.Errorf("a delete of another UID: %v, want 409", err)
	}
	expectVersion(t, namespace, "files", server.ResourceVersion)

	if err := client.Delete(t.Context(), "files", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	deleted, err := client.Get(t.Context(), "files", metav1.GetOptions{})
	if err != nil {
		t.Fatalf("the finalizer does not keep the object: %v", err)
	}
	if deleted.DeletionTimestamp == nil || !slices.Contains(deleted.Finalizers, dittofsv1alpha1.Finalizer) {
		t.Errorf("deleted object: %+v", deleted.ObjectMeta)
	}
	removeFinalizers(t, namespace, "files")
	if _, err := client.Get(t.Context(), "files", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("after the last finalizer: %v, want 404", err)
	}
	if err := client.Delete(t.Context(), "files", metav1.DeleteOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a second delete: %v, want 404", err)
	}
}
