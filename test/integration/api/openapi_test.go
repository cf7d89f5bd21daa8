// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"k8s.io/client-go/discovery"
	"k8s.io/kube-openapi/pkg/util/proto"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

const model = "io.dittofs.v1alpha1.DittoServer"

// published waits until a document has something of ours in it: kube-apiserver merges in the background.
func published(t *testing.T, path, ours string) string {
	t.Helper()
	var body string
	harness.Eventually(t, path+" has "+ours, func(context.Context) error {
		body = get(t, cluster.Admin.Config, path, map[string]string{"Accept": "application/json"}).body
		if !strings.Contains(body, ours) {
			return errors.New("it has not")
		}
		return nil
	})
	return body
}

func TestHazard10TheMergedOpenAPIOfTheClusterParsesAndKnowsOurKind(t *testing.T) {
	client, err := discovery.NewDiscoveryClientForConfig(cluster.Admin.Config)
	if err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the document of the cluster has our model", func(context.Context) error {
		document, err := client.OpenAPISchema()
		if err != nil {
			return err
		}
		models, err := proto.NewOpenAPIData(document)
		if err != nil {
			return fmt.Errorf("one server that cannot be parsed breaks every client of the cluster: %w", err)
		}
		found := models.LookupModel(model)
		if found == nil {
			return errors.New("no model " + model)
		}
		kinds := fmt.Sprint(found.GetExtensions()["x-kubernetes-group-version-kind"])
		if !strings.Contains(kinds, "dittofs.io") || !strings.Contains(kinds, "DittoServer") {
			t.Fatalf("without its kind the model is of no use to apply: %s", kinds)
		}
		if !strings.Contains(found.GetDescription(), "file server") {
			t.Errorf("description %q", found.GetDescription())
		}
		return nil
	})
}

func TestHazard11OurDefinitionsHaveNothingThatClientsCannotRead(t *testing.T) {
	body := published(t, "/openapi/v2", model)
	var merged struct {
		Definitions map[string]any
		Paths       map[string]any
	}
	if err := json.Unmarshal([]byte(body), &merged); err != nil {
		t.Fatal(err)
	}
	ours := 0
	for name, definition := range merged.Definitions {
		// Two releases of one model would make every client load both.
		if strings.HasSuffix(name, "_v2") {
			t.Errorf("%s is there twice", name)
		}
		if strings.Contains(name, "dittofs") {
			ours++
			if !strings.HasPrefix(name, "io.dittofs.v1alpha1.") || strings.ContainsAny(name, "/~") {
				t.Errorf("model %s has the name of a Go package", name)
			}
			checkSchema(t, name, definition)
		}
	}
	if ours < 10 {
		t.Errorf("only %d models of ours", ours)
	}
	for _, path := range []string{"/status", "/scale", "/finalize", "/credentials", "/proxy", "/proxy/{path}", ""} {
		if merged.Paths["/apis/dittofs.io/v1alpha1/namespaces/{namespace}/dittoservers/{name}"+path] == nil {
			t.Errorf("no path of dittoservers%s", path)
		}
	}
}

// checkSchema looks for what has broken clusters: kube-controller-manager crashes on a boolean additionalProperties.
func checkSchema(t *testing.T, path string, schema any) {
	t.Helper()
	switch node := schema.(type) {
	case map[string]any:
		if _, boolean := node["additionalProperties"].(bool); boolean {
			t.Errorf("%s: additionalProperties is a boolean", path)
		}
		if reference, ok := node["$ref"].(string); ok && strings.Contains(reference, "~1") {
			t.Errorf("%s: reference %s is escaped, which no client reads", path, reference)
		}
		for name, child := range node {
			checkSchema(t, path+"."+name, child)
		}
	case []any:
		for _, child := range node {
			checkSchema(t, path+"[]", child)
		}
	}
}

func TestHazard12OpenAPIV3DescribesOurGroup(t *testing.T) {
	body := published(t, "/openapi/v3", "apis/dittofs.io/v1alpha1")
	var index struct {
		Paths map[string]struct{ ServerRelativeURL string }
	}
	if err := json.Unmarshal([]byte(body), &index); err != nil {
		t.Fatal(err)
	}
	address := index.Paths["apis/dittofs.io/v1alpha1"].ServerRelativeURL
	if address == "" {
		t.Fatalf("the index has no dittofs.io/v1alpha1: %s", body)
	}
	body = get(t, cluster.Admin.Config, address, nil).body
	var document struct {
		Components struct{ Schemas map[string]map[string]any }
	}
	if err := json.Unmarshal([]byte(body), &document); err != nil {
		t.Fatal(err)
	}
	schema := document.Components.Schemas[model]
	if kinds := fmt.Sprint(schema["x-kubernetes-group-version-kind"]); !strings.Contains(kinds, "dittofs.io") {
		t.Errorf("%s is of kind %s", model, kinds)
	}
	for name, schema := range document.Components.Schemas {
		if strings.HasPrefix(name, "io.dittofs.") {
			checkSchema(t, name, schema)
		}
	}
}

func TestOpenAPIDocumentsAreStable(t *testing.T) {
	for _, path := range []string{"/openapi/v2", "/openapi/v3/apis/dittofs.io/v1alpha1"} {
		// The aggregator fetches them every minute and merges again whenever they differ.
		first := get(t, direct(cluster.Admin), path, nil)
		etag := first.header.Get("Etag")
		if first.code != http.StatusOK || etag == "" {
			t.Fatalf("%s: %d, Etag %q", path, first.code, etag)
		}
		second := get(t, direct(cluster.Admin), path, map[string]string{"If-None-Match": etag})
		if second.code != http.StatusNotModified {
			t.Errorf("%s: %d for Etag %s, then %s", path, second.code, etag, second.header.Get("Etag"))
		}
	}
}
