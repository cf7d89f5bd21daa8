// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func TestOnlyJSONAndYAMLAreSpoken(t *testing.T) {
	namespace := cluster.Namespace(t)
	cluster.CreateDittoServer(t, namespace, "files")
	path := "/apis/dittofs.io/v1alpha1/namespaces/" + namespace + "/dittoservers"
	cases := []struct {
		name, accept string
		code         int
		want         string
	}{
		{"protobuf alone", "application/vnd.kubernetes.protobuf", 406, "Available representations: application/json, application/yaml"},
		{"protobuf of metadata alone", "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", 406, ""},
		{"protobuf before json", "application/vnd.kubernetes.protobuf,application/json", 200, "DittoServerList"},
		{"json", "application/json", 200, "DittoServerList"},
		{"yaml", "application/yaml", 200, "kind: DittoServerList"},
		{"anything", "*/*", 200, "DittoServerList"},
		{"metadata as json", "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", 200, "PartialObjectMetadataList"},
	}
	for _, c := range cases {
		for way, config := range map[string]*rest.Config{"through kube-apiserver": cluster.Admin.Config, "directly": direct(cluster.Admin)} {
			got := get(t, config, path, map[string]string{"Accept": c.accept})
			if got.code != c.code || !strings.Contains(got.body, c.want) {
				t.Errorf("%s, %s: %d, want %d with %s: %s", c.name, way, got.code, c.code, c.want, got.body)
			}
		}
	}
}

// The namespace controller deletes by this client, which asks for protobuf first. Where the answer is in a protobuf that
// has no encoder, no namespace of the cluster can be deleted (https://github.com/kubernetes/kubernetes/issues/86666).
func TestTheMetadataClientListsAndDeletesCollections(t *testing.T) {
	namespace := cluster.Namespace(t)
	for _, name := range []string{"a", "b"} {
		cluster.CreateDittoServer(t, namespace, name)
	}
	client := cluster.Admin.Metadata.Resource(dittoservers).Namespace(namespace)
	list, err := client.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 2 || list.Items[0].Name != "a" {
		t.Errorf("listed %+v", list.Items)
	}
	if err := client.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		if current(t, namespace, name).DeletionTimestamp == nil {
			t.Errorf("%s is not deleted", name)
		}
		removeFinalizers(t, namespace, name)
	}
}

func TestPartialMetadataCanBeWatched(t *testing.T) {
	namespace := cluster.Namespace(t)
	cluster.CreateDittoServer(t, namespace, "files")
	watcher, err := cluster.Admin.Metadata.Resource(dittoservers).Namespace(namespace).Watch(t.Context(), metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		t.Fatal(err)
	}
	defer watcher.Stop()
	event := next(t, watcher)
	if _, ok := event.Object.(*metav1.PartialObjectMetadata); !ok || describe(t, event) != "ADDED files" {
		t.Errorf("event %s of %T", event.Type, event.Object)
	}
}

func TestManyServersAtOnceAreAllStored(t *testing.T) {
	namespace := cluster.Namespace(t)
	const count = 60
	failures := make(chan error, count)
	for range count {
		go func() {
			server := harness.NewDittoServer("")
			server.GenerateName = "many-"
			_, err := cluster.Admin.DittoServers(namespace).Create(t.Context(), server, metav1.CreateOptions{})
			failures <- err
		}()
	}
	for range count {
		if err := <-failures; err != nil {
			t.Error(err)
		}
	}
	list, err := cluster.Admin.DittoServers(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != count {
		t.Errorf("%d servers, want %d", len(list.Items), count)
	}
}
