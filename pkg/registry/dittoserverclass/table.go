// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserverclass

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metatable "k8s.io/apimachinery/pkg/api/meta/table"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// tableConvertor prints classes for kubectl get, with the number of their users;
// priority 1 is shown with -o wide.
type tableConvertor struct{ users users }

var _ rest.TableConvertor = tableConvertor{}

// columns in the order of their cells.
var columns = []metav1.TableColumnDefinition{
	{Name: "Name", Type: "string", Format: "name", Description: "Name of the DittoServerClass."},
	{Name: "Default", Type: "boolean", Description: "Whether servers that name no class get this one, unless a newer class is a default too."},
	{Name: "Servers", Type: "integer", Description: "DittoServers of this class in all namespaces. A class that has some cannot be deleted."},
	{Name: "Databases", Type: "string", Description: "Kinds of database that the class allows; * are all."},
	{Name: "StorageClasses", Type: "string", Description: "StorageClasses that the class allows; * are all."},
	{Name: "Age", Type: "string", Description: "Time since the DittoServerClass was created."},
	{Name: "Image", Type: "string", Priority: 1, Description: "Container image of dfs for servers that name none; <none> is that of this release."},
	{Name: "Description", Type: "string", Priority: 1, Description: "What the class is for."},
}

func (c tableConvertor) ConvertToTable(ctx context.Context, object, options runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{}
	if o, ok := options.(*metav1.TableOptions); !ok || !o.NoHeaders {
		table.ColumnDefinitions = columns
	}
	var classes []string
	switch object := object.(type) {
	case *dittofsv1alpha1.DittoServerClassList:
		table.ResourceVersion, table.Continue = object.ResourceVersion, object.Continue
		table.RemainingItemCount = object.RemainingItemCount
		for i := range object.Items {
			classes = append(classes, object.Items[i].Name)
		}
	case *dittofsv1alpha1.DittoServerClass:
		classes = append(classes, object.Name)
	}
	if accessor, err := meta.CommonAccessor(object); err == nil {
		table.ResourceVersion = accessor.GetResourceVersion()
	}
	counts := map[string]int{}
	var err error
	if len(classes) > 0 {
		if counts, err = c.users.counts(ctx, classes); err != nil {
			return nil, err
		}
	}
	table.Rows, err = metatable.MetaToTableRow(object, func(obj runtime.Object, _ metav1.Object, name, age string) ([]any, error) {
		class, ok := obj.(*dittofsv1alpha1.DittoServerClass)
		if !ok {
			return nil, fmt.Errorf("expected a DittoServerClass to print, got %T", obj)
		}
		limits := &class.Spec.Limits
		return []any{
			name, isDefault(class) == "true", int64(counts[name]), allowed(limits.Databases), allowed(limits.StorageClasses), age,
			orNone(class.Spec.Defaults.Image), orNone(class.Spec.Description),
		}, nil
	})
	return table, err
}

// none fills cells that would be empty: columns are split at spaces by many scripts.
const none = "<none>"

func orNone(text string) string {
	if text == "" {
		return none
	}
	return text
}

func allowed(values *dittofsv1alpha1.AllowedValues) string {
	if values == nil {
		return "*"
	}
	return orNone(strings.Join(values.Allowed, ","))
}
