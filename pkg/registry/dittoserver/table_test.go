// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestTable(t *testing.T) {
	fresh, deleted := stored(), stored()
	fresh.Status = dittofsv1alpha1.DittoServerStatus{}
	deleted.DeletionTimestamp = ptr.To(metav1.Now())
	deleted.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: "False", Reason: "Deleting"}}
	list := &dittofsv1alpha1.DittoServerList{
		ListMeta: metav1.ListMeta{ResourceVersion: "42", Continue: "more", RemainingItemCount: ptr.To[int64](5)},
		Items:    []dittofsv1alpha1.DittoServer{*fresh, *deleted},
	}
	table, err := tableConvertor{}.ConvertToTable(t.Context(), list, &metav1.TableOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if table.ResourceVersion != "42" || table.Continue != "more" || *table.RemainingItemCount != 5 {
		t.Errorf("list metadata is lost: %+v", table.ListMeta)
	}
	if len(table.Rows) != 2 {
		t.Fatalf("%d rows", len(table.Rows))
	}
	for i, want := range [][]any{{"files", "Pending", "Unknown", ""}, {"files", "Deleting", "False", "Deleting"}} {
		if len(table.Rows[i].Cells) != len(columns) {
			t.Fatalf("%d cells for %d columns", len(table.Rows[i].Cells), len(columns))
		}
		for j := range want {
			if got := table.Rows[i].Cells[j]; got != want[j] {
				t.Errorf("row %d, %s: got %v, want %v", i, columns[j].Name, got, want[j])
			}
		}
	}
	for _, column := range table.ColumnDefinitions {
		if column.Description == "" {
			t.Errorf("column %s has no description", column.Name)
		}
	}
	bare, err := tableConvertor{}.ConvertToTable(t.Context(), fresh, &metav1.TableOptions{NoHeaders: true})
	if err != nil || bare.ColumnDefinitions != nil {
		t.Errorf("without headers: %v, %v", bare.ColumnDefinitions, err)
	}
}
