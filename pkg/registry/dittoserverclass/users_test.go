// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserverclass

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// stored are the DittoServers of the store: namespace/name and class. It notes how they are asked for.
type stored struct {
	rest.Lister
	servers  [][2]string
	versions []string
	down     error
}

func (s *stored) List(_ context.Context, options *internalversion.ListOptions) (runtime.Object, error) {
	s.versions = append(s.versions, options.ResourceVersion)
	list := &dittofsv1alpha1.DittoServerList{}
	for _, known := range s.servers {
		if !options.FieldSelector.Matches(fields.Set{fieldClass: known[1]}) {
			continue
		}
		server := dittofsv1alpha1.DittoServer{}
		server.Namespace, server.Name, _ = strings.Cut(known[0], "/")
		if known[1] != "" {
			server.Spec.ClassName = ptr.To(known[1])
		}
		list.Items = append(list.Items, server)
	}
	return list, s.down
}

func class(name string, change ...func(*dittofsv1alpha1.DittoServerClass)) *dittofsv1alpha1.DittoServerClass {
	c := &dittofsv1alpha1.DittoServerClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
	for _, f := range change {
		f(c)
	}
	dittofsv1alpha1.SetObjectDefaults_DittoServerClass(c)
	return c
}

func TestAClassIsDeletedOnlyWithoutServers(t *testing.T) {
	var many [][2]string
	for i := range 7 {
		many = append(many, [2]string{fmt.Sprintf("team/s%d", i), "small"})
	}
	for name, c := range map[string]struct {
		servers [][2]string
		down    error
		before  rest.ValidateObjectFunc
		refusal string
	}{
		"nobody uses it":          {},
		"others use others":       {servers: [][2]string{{"team/a", "large"}, {"team/b", ""}}},
		"one server":              {servers: [][2]string{{"team/a", "small"}, {"team/b", "large"}}, refusal: "in use by 1 DittoServers: team/a; delete them first"},
		"many servers":            {servers: many, refusal: "in use by 7 DittoServers: team/s0, team/s1, team/s2, team/s3, team/s4 and 2 more; delete them first"},
		"the store is away":       {down: errors.New("etcd is away"), refusal: "list the DittoServers: etcd is away"},
		"admission refuses first": {servers: many, before: func(context.Context, runtime.Object) error { return errors.New("no") }, refusal: "no"},
	} {
		t.Run(name, func(t *testing.T) {
			servers := &stored{servers: c.servers, down: c.down}
			r := &REST{users: users{servers}}
			err := r.unused(c.before)(t.Context(), class("small"))
			if c.refusal == "" && err != nil || c.refusal != "" && (err == nil || !strings.Contains(err.Error(), c.refusal)) {
				t.Errorf("got %v", err)
			}
			if len(c.servers) > 0 && c.refusal != "" && c.before == nil && !apierrors.IsConflict(err) {
				t.Errorf("it is no conflict: %v", err)
			}
			// What is in the watch cache may be a moment behind.
			if len(servers.versions) > 0 && servers.versions[0] != "" {
				t.Errorf("the servers were read at %q", servers.versions[0])
			}
		})
	}
}

func TestTheTableCountsTheServersOfEachClass(t *testing.T) {
	standard := class("standard", func(c *dittofsv1alpha1.DittoServerClass) {
		c.Annotations = map[string]string{dittofsv1alpha1.AnnotationDefaultClass: "true"}
		c.Spec.Defaults.Image = "dfs:v1"
		c.Spec.Description = "for all"
		c.Spec.Limits.Databases = &dittofsv1alpha1.AllowedValues{Allowed: []string{"sqlite", "postgres"}}
		c.Spec.Limits.StorageClasses = &dittofsv1alpha1.AllowedValues{}
	})
	servers := &stored{servers: [][2]string{{"a/one", "standard"}, {"b/one", "standard"}, {"b/two", "other"}, {"c/none", ""}}}
	for name, c := range map[string]struct {
		object runtime.Object
		rows   []string
	}{
		"one": {standard, []string{"standard true 2 sqlite,postgres <none> <unknown> dfs:v1 for all"}},
		"a list": {&dittofsv1alpha1.DittoServerClassList{Items: []dittofsv1alpha1.DittoServerClass{*standard, *class("large")}}, []string{
			"standard true 2 sqlite,postgres <none> <unknown> dfs:v1 for all", "large false 0 * * <unknown> <none> <none>",
		}},
		"none": {&dittofsv1alpha1.DittoServerClassList{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			servers.versions = nil
			table, err := tableConvertor{users{servers}}.ConvertToTable(t.Context(), c.object, &metav1.TableOptions{})
			if err != nil || len(table.Rows) != len(c.rows) {
				t.Fatalf("%d rows: %v", len(table.Rows), err)
			}
			for i, want := range c.rows {
				if got := strings.TrimSpace(fmt.Sprintln(table.Rows[i].Cells...)); got != want || len(table.Rows[i].Cells) != len(table.ColumnDefinitions) {
					t.Errorf("row %d: %s, want %s", i, got, want)
				}
			}
			// A list of classes costs one look into the watch cache, however long it is.
			if len(c.rows) > 0 && (len(servers.versions) != 1 || servers.versions[0] != "0") {
				t.Errorf("the servers were read at %q", servers.versions)
			}
		})
	}
	if _, err := (tableConvertor{users{servers}}).ConvertToTable(t.Context(), &dittofsv1alpha1.DittoServer{}, nil); err == nil {
		t.Error("a DittoServer is printed as a class")
	}
	servers.down = errors.New("etcd is away")
	if _, err := (tableConvertor{users{servers}}).ConvertToTable(t.Context(), standard, nil); err == nil {
		t.Error("the count is made up")
	}
}
