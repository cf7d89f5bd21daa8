// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	stdjson "encoding/json"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/managedfields/managedfieldstest"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// perconaCluster is one PerconaPGCluster in an API server: with its real schema, and with what server-side apply really does
// to fields and their owners.
type perconaCluster struct {
	t      *testing.T
	schema *perconaSchema
	fields managedfieldstest.TestFieldManager
	made   bool
}

func newPerconaCluster(t *testing.T) *perconaCluster {
	t.Helper()
	s := perconaSchemaForTest(t)
	return &perconaCluster{t: t, schema: s, fields: managedfieldstest.NewTestFieldManager(s.converter, render.PerconaClusterKind)}
}

// live is the cluster as a reader sees it; nil if there is none.
func (c *perconaCluster) live() *unstructured.Unstructured {
	c.t.Helper()
	if !c.made {
		return nil
	}
	live, ok := c.fields.Live().(*unstructured.Unstructured)
	if !ok {
		c.t.Fatalf("live is %T", c.fields.Live())
	}
	defaulting.Default(live.Object, c.schema.structural)
	return live
}

// render renders with what is there, and checks that this is not changed.
func (c *perconaCluster) render(server *v1alpha1.DittoServer) *unstructured.Unstructured {
	c.t.Helper()
	got, err := render.Percona(server, c.live())
	if err != nil {
		c.t.Fatal(err)
	}
	if len(got.GetOwnerReferences())+len(got.GetFinalizers()) > 0 {
		c.t.Error("the database would not outlive us")
	}
	return got
}

// apply renders and applies as the controller does, and returns the cluster that comes of it.
func (c *perconaCluster) apply(server *v1alpha1.DittoServer) *unstructured.Unstructured {
	c.t.Helper()
	return c.applyObject(c.render(server))
}

func (c *perconaCluster) applyObject(object *unstructured.Unstructured) *unstructured.Unstructured {
	c.t.Helper()
	if err := c.fields.Apply(object.DeepCopy(), v1alpha1.FieldManager, true); err != nil {
		c.t.Fatal(err)
	}
	c.made = true
	c.schema.check(c.t, c.live())
	return c.live()
}

// writtenBy is an update by somebody else.
func (c *perconaCluster) writtenBy(manager string, edit func(content map[string]any)) {
	c.t.Helper()
	object, ok := c.fields.Live().(*unstructured.Unstructured)
	if !ok {
		c.t.Fatalf("live is %T", c.fields.Live())
	}
	edit(object.Object)
	if err := c.fields.Update(object, manager); err != nil {
		c.t.Fatal(err)
	}
	c.made = true
	c.schema.check(c.t, c.live())
}

// adopted is the content of the cluster that the DittoFS operator made, in testdata/percona/adopted.live.yaml.
func adopted(t *testing.T) map[string]any {
	t.Helper()
	return readUnstructured(t, "percona/adopted.live.yaml")
}

// readUnstructured reads an object with the types of numbers that objects of an API have.
func readUnstructured(t *testing.T, file string) map[string]any {
	t.Helper()
	raw, content := stdjson.RawMessage{}, map[string]any{}
	readYAML(t, file, &raw)
	if err := json.Unmarshal(raw, &content); err != nil {
		t.Fatal(err)
	}
	return content
}

// set sets one field in content.
func (c *perconaCluster) set(content map[string]any, value any, fields ...string) {
	c.t.Helper()
	if err := unstructured.SetNestedField(content, value, fields...); err != nil {
		c.t.Fatal(err)
	}
}
