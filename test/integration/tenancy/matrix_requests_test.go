// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package tenancy_test

import (
	"encoding/json"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	group = "/apis/dittofs.io/v1alpha1"
	// dry makes a request that is real up to the store. The proxy has none, and is asked for what does no harm.
	dry = "dryRun=All"
	// one has a collection be that one object.
	one = "fieldSelector=metadata.name%3Dfiles"

	mergePatch = "application/merge-patch+json"
	annotation = `{"metadata":{"annotations":{"example.com/matrix":"a"}}}`
)

// ask is a request with a verb. {ns} in its path is the namespace.
type ask struct {
	method, path, body, contentType string
	// current has the body be the object at that path, as it is now.
	current bool
}

// requests has one for each verb of each resource. In the namespaces there is a server, "files", with an API that answers;
// "matrix-spare" is a class that nobody uses.
func requests() map[string]map[string]ask {
	const (
		classPath  = group + "/dittoserverclasses"
		spare      = classPath + "/matrix-spare"
		serverPath = group + "/namespaces/{ns}/dittoservers"
		files      = serverPath + "/files"
	)
	return map[string]map[string]ask{
		classes: {
			"get": {method: "GET", path: spare}, "list": {method: "GET", path: classPath}, "watch": {method: "GET", path: classPath + "?watch=true"},
			"create": {method: "POST", path: classPath + "?" + dry, body: `{"apiVersion":"dittofs.io/v1alpha1","kind":"DittoServerClass","metadata":{"name":"matrix-new"}}`},
			"update": {method: "PUT", path: spare + "?" + dry, current: true}, "patch": {method: "PATCH", path: spare + "?" + dry, body: annotation, contentType: mergePatch},
			"delete":           {method: "DELETE", path: spare + "?" + dry},
			"deletecollection": {method: "DELETE", path: classPath + "?" + dry + "&" + strings.ReplaceAll(one, "files", "matrix-spare")},
		},
		servers: {
			"get": {method: "GET", path: files}, "list": {method: "GET", path: serverPath}, "watch": {method: "GET", path: serverPath + "?watch=true"},
			"create": {method: "POST", path: serverPath + "?" + dry, body: `{"apiVersion":"dittofs.io/v1alpha1","kind":"DittoServer","metadata":{"name":"new"},"spec":{"storage":{"metadataSize":"1Gi"}}}`},
			"update": {method: "PUT", path: files + "?" + dry, current: true}, "patch": {method: "PATCH", path: files + "?" + dry, body: annotation, contentType: mergePatch},
			"delete": {method: "DELETE", path: files + "?" + dry}, "deletecollection": {method: "DELETE", path: serverPath + "?" + dry + "&" + one},
		},
		status: {
			"get": {method: "GET", path: files + "/status"}, "update": {method: "PUT", path: files + "/status?" + dry, current: true},
			"patch": {method: "PATCH", path: files + "/status?" + dry, body: `{"status":{"phase":"Stopped"}}`, contentType: mergePatch},
		},
		scale: {
			"get": {method: "GET", path: files + "/scale"}, "update": {method: "PUT", path: files + "/scale?" + dry, current: true},
			"patch": {method: "PATCH", path: files + "/scale?" + dry, body: `{"spec":{"replicas":0}}`, contentType: mergePatch},
		},
		finalize: {
			"get": {method: "GET", path: files + "/finalize"}, "update": {method: "PUT", path: files + "/finalize?" + dry, current: true},
			"patch": {method: "PATCH", path: files + "/finalize?" + dry, body: `{}`, contentType: mergePatch},
		},
		credentials: {"create": {method: "POST", path: files + "/credentials?" + dry, body: `{}`}},
		proxy: {
			"get":    {method: "GET", path: files + "/proxy/api/v1/adapters"},
			"create": {method: "POST", path: files + "/proxy/api/v1/store/metadata", body: `{"name":"matrix","type":"memory"}`},
			"update": {method: "PUT", path: files + "/proxy/api/v1/settings/discovery.name", body: `{"value":"matrix"}`},
			"patch":  {method: "PATCH", path: files + "/proxy/api/v1/adapters/nfs/settings", body: `{"lease_time":60}`},
			"delete": {method: "DELETE", path: files + "/proxy/api/v1/shares/none"},
		},
	}
}

// requestsAnywhere are about all namespaces at once: the same verbs, without a namespace.
func requestsAnywhere() map[string]map[string]ask {
	const path = group + "/dittoservers"
	return map[string]map[string]ask{
		classes: requests()[classes],
		servers: {"list": {method: "GET", path: path}, "watch": {method: "GET", path: path + "?watch=true"}},
	}
}

// served is what discovery says of our group, in all its versions: "resource verb".
func served(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	_, lists, err := cluster.Admin.Kube.Discovery().ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		if name, version, _ := strings.Cut(list.GroupVersion, "/"); name != "dittofs.io" {
			continue
		} else if version != "v1alpha1" {
			t.Errorf("the version %s has no requests in the matrix", version)
		}
		for _, resource := range list.APIResources {
			for _, verb := range resource.Verbs {
				found[resource.Name+" "+verb] = true
			}
		}
	}
	return found
}

// stored is an object, or a part of one, as it is, without the version.
func stored(t *testing.T, path string) string {
	t.Helper()
	path, _, _ = strings.Cut(path, "?")
	data, err := cluster.Admin.Kube.Discovery().RESTClient().Get().AbsPath(path).DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	object := &unstructured.Unstructured{}
	if err := json.Unmarshal(data, &object.Object); err != nil {
		t.Fatal(err)
	}
	// The controllers may write the status meanwhile: who sends no version is not told of a conflict.
	unstructured.RemoveNestedField(object.Object, "metadata", "resourceVersion")
	object.SetManagedFields(nil)
	data, err = json.Marshal(object.Object)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// state tells whether somebody has changed anything but the status of an object.
func state(t *testing.T, namespace string) string {
	t.Helper()
	var found []string
	list, err := cluster.Admin.DittoServers(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range list.Items {
		data, err := json.Marshal([]any{item.Name, item.UID, item.Generation, item.Annotations, item.Finalizers, item.DeletionTimestamp})
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, string(data))
	}
	return strings.Join(found, "\n")
}
