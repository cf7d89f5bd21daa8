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

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// tableConvertor prints DittoServers for kubectl get; priority 1 is shown with -o wide.
type tableConvertor struct{}

var _ rest.TableConvertor = tableConvertor{}

var columns = []metav1.TableColumnDefinition{
	{Name: "Name", Type: "string", Format: "name", Description: "Name of the DittoServer."},
	{Name: "Phase", Type: "string", Description: "One word for the status: Pending, Running, Stopped, Failed or Deleting."},
	{Name: "Ready", Type: "string", Description: "Status of the condition Ready: True when everything that was asked for works."},
	{Name: "Reason", Type: "string", Priority: 1, Description: "Reason of the condition Ready."},
	{Name: "Image", Type: "string", Priority: 1, Description: "Container image of dfs."},
	{Name: "Database", Type: "string", Priority: 1, Description: "Kind of database: sqlite or postgres."},
	{Name: "Age", Type: "string", Description: "Time since the DittoServer was created."},
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
	ready, reason := "Unknown", ""
	if condition := meta.FindStatusCondition(server.Status.Conditions, dittofsv1alpha1.ConditionReady); condition != nil {
		ready, reason = string(condition.Status), condition.Reason
	}
	phase := server.Status.Phase
	switch {
	case server.DeletionTimestamp != nil:
		phase = dittofsv1alpha1.PhaseDeleting
	case phase == "":
		phase = dittofsv1alpha1.PhasePending
	}
	database := server.Spec.Database.Type
	if server.Spec.Database.PostgresSecretRef != nil {
		database = dittofsv1alpha1.DatabasePostgres // the Secret wins over the type
	}
	return []any{name, string(phase), ready, reason, server.Spec.Image, string(database), age}, nil
}
