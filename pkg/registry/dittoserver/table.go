// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metatable "k8s.io/apimachinery/pkg/api/meta/table"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// tableConvertor prints DittoServers for kubectl get; priority 1 is shown with -o wide.
type tableConvertor struct{}

var _ rest.TableConvertor = tableConvertor{}

// columns in the order of their cells. Those of -o wide come after the age, as
// with the kinds of Kubernetes.
var columns = []metav1.TableColumnDefinition{
	{Name: "Name", Type: "string", Format: "name", Description: "Name of the DittoServer."},
	{Name: "Phase", Type: "string", Description: "One word for the status: Pending, Running, Stopped, Failed or Deleting."},
	{Name: "Ready", Type: "string", Description: "Status of the condition Ready: True when everything that was asked for works."},
	{Name: "Adapters", Type: "string", Description: "Protocol adapters that are switched on; one that does not serve is followed by (down)."},
	{Name: "Endpoint", Type: "string", Description: "Address of the REST API: that from outside, else that within the cluster."},
	{Name: "Version", Type: "string", Description: "Version of DittoFS that the pod runs."},
	{Name: "Age", Type: "string", Description: "Time since the DittoServer was created."},
	{Name: "Image", Type: "string", Priority: 1, Description: "Container image of dfs that is wanted."},
	{Name: "Database", Type: "string", Priority: 1, Description: "Kind of database: sqlite, postgres or percona."},
	{Name: "Volumes", Type: "string", Priority: 1, Description: "Volumes that are bound, of those that there are; ephemeral if they live and die with the pod."},
	{Name: "StorageClass", Type: "string", Priority: 1, Description: "StorageClass of the volumes; <default> is that of the cluster."},
	{Name: "Class", Type: "string", Priority: 1, Description: "DittoServerClass of the server; <none> if it has none."},
}

func (tableConvertor) ConvertToTable(_ context.Context, object, options runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{}
	if o, ok := options.(*metav1.TableOptions); !ok || !o.NoHeaders {
		table.ColumnDefinitions = columns
	}
	if list, ok := object.(*dittofsv1alpha1.DittoServerList); ok {
		table.ResourceVersion, table.Continue = list.ResourceVersion, list.Continue
		table.RemainingItemCount = list.RemainingItemCount
	} else if accessor, err := meta.CommonAccessor(object); err == nil {
		table.ResourceVersion = accessor.GetResourceVersion()
	}
	var err error
	table.Rows, err = metatable.MetaToTableRow(object, row)
	return table, err
}

func row(obj runtime.Object, _ metav1.Object, name, age string) ([]any, error) {
	server, ok := obj.(*dittofsv1alpha1.DittoServer)
	if !ok {
		return nil, fmt.Errorf("expected a DittoServer to print, got %T", obj)
	}
	return []any{
		name, string(phaseOf(server)), readyCell(server), adaptersCell(server), endpointCell(server), orNone(server.Status.Version), age,
		server.Spec.Image, databaseCell(server), volumesCell(server), storageClassCell(server), orNone(ptr.Deref(server.Spec.ClassName, "")),
	}, nil
}
