// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestTable(t *testing.T) {
	fresh, deleted := stored(), stored()
	fresh.Status = dittofsv1alpha1.DittoServerStatus{}
	fresh.Spec.ClassName = ptr.To("small")
	fresh.Spec.Database.Type, deleted.Spec.Database.Type = dittofsv1alpha1.DatabaseSQLite, dittofsv1alpha1.DatabaseSQLite
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
	for i, want := range []string{
		"files Pending Unknown <none> <none> <none> <unknown> dfs:v1 sqlite <none> <default> small",
		"files Deleting False <none> <none> <none> <unknown> dfs:v1 sqlite <none> <default> <none>",
	} {
		if got := cells(t, table.Rows[i]); got != want {
			t.Errorf("row %d: %s, want %s", i, got, want)
		}
	}
	for _, column := range table.ColumnDefinitions {
		if column.Description == "" {
			t.Errorf("column %s has no description", column.Name)
		}
	}
	var short, wide []string
	for _, column := range table.ColumnDefinitions {
		if wide = append(wide, column.Name); column.Priority == 0 {
			short = append(short, column.Name)
		}
	}
	if got := strings.Join(short, " "); got != "Name Phase Ready Adapters Endpoint Version Age" {
		t.Errorf("columns %s", got)
	}
	if got := strings.Join(wide, " "); got != "Name Phase Ready Adapters Endpoint Version Age Image Database Volumes StorageClass Class" {
		t.Errorf("columns with -o wide %s", got)
	}
	bare, err := tableConvertor{}.ConvertToTable(t.Context(), fresh, &metav1.TableOptions{NoHeaders: true})
	if err != nil || bare.ColumnDefinitions != nil {
		t.Errorf("without headers: %v, %v", bare.ColumnDefinitions, err)
	}
}

// cells is a row as kubectl prints it.
func cells(t *testing.T, row metav1.TableRow) string {
	t.Helper()
	if len(row.Cells) != len(columns) {
		t.Fatalf("%d cells for %d columns", len(row.Cells), len(columns))
	}
	return strings.TrimSuffix(fmt.Sprintln(row.Cells...), "\n")
}

func TestCellsShowTheStatus(t *testing.T) {
	adapter := func(name string, enabled, running bool) dittofsv1alpha1.AdapterStatus {
		return dittofsv1alpha1.AdapterStatus{Type: name, Enabled: enabled, Running: running}
	}
	for name, c := range map[string]struct {
		change func(*dittofsv1alpha1.DittoServer)
		cell   func(*dittofsv1alpha1.DittoServer) string
		want   string
	}{
		"adapters that serve": {func(s *dittofsv1alpha1.DittoServer) {
			s.Status.Adapters = []dittofsv1alpha1.AdapterStatus{adapter("nfs", true, true), adapter("smb", true, true)}
		}, adaptersCell, "nfs,smb"},
		"one that is switched off is left out": {func(s *dittofsv1alpha1.DittoServer) {
			s.Status.Adapters = []dittofsv1alpha1.AdapterStatus{adapter("nfs", true, true), adapter("smb", false, false)}
		}, adaptersCell, "nfs"},
		"one that should serve and does not is told": {func(s *dittofsv1alpha1.DittoServer) {
			s.Status.Adapters = []dittofsv1alpha1.AdapterStatus{adapter("nfs", true, false), adapter("smb", true, true)}
		}, adaptersCell, "nfs(down),smb"},
		"the address within the cluster": {func(s *dittofsv1alpha1.DittoServer) {
			s.Status.Endpoints.API = "http://files-api.a.svc:8080"
		}, endpointCell, "http://files-api.a.svc:8080"},
		"the address from outside goes first": {func(s *dittofsv1alpha1.DittoServer) {
			s.Status.Endpoints = dittofsv1alpha1.EndpointsStatus{API: "http://files-api.a.svc:8080", ExternalAPI: "https://files.example.com"}
		}, endpointCell, "https://files.example.com"},
		"the class of the volumes": {func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.StorageClassName = ptr.To("fast") }, storageClassCell, "fast"},
		"volumes without a class":  {func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.StorageClassName = ptr.To("") }, storageClassCell, "<none>"},
		"no volumes, no class":     {func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.Ephemeral = true }, storageClassCell, "<none>"},
		"the database of the spec": {func(s *dittofsv1alpha1.DittoServer) {
			s.Spec.Database.PostgresSecretRef = &dittofsv1alpha1.SecretReference{Name: "database"}
		}, databaseCell, "postgres"},
		"the database that is being made": {func(s *dittofsv1alpha1.DittoServer) {
			s.Spec.Percona = &dittofsv1alpha1.PerconaSpec{Enabled: true}
		}, databaseCell, "percona"},
		"percona that is switched off": {func(s *dittofsv1alpha1.DittoServer) {
			s.Spec.Percona = &dittofsv1alpha1.PerconaSpec{}
		}, databaseCell, "sqlite"},
		"the database that is used goes first": {func(s *dittofsv1alpha1.DittoServer) {
			s.Status.Database = &dittofsv1alpha1.DatabaseStatus{Kind: "percona"}
		}, databaseCell, "percona"},
		"volumes, one of which waits": {func(s *dittofsv1alpha1.DittoServer) {
			s.Status.Volumes = []dittofsv1alpha1.VolumeStatus{{Name: "metadata", Phase: "Bound"}, {Name: "content", Phase: "Pending"}}
		}, volumesCell, "1/2"},
		"volumes that die with the pod": {func(s *dittofsv1alpha1.DittoServer) { s.Spec.Storage.Ephemeral = true }, volumesCell, "ephemeral"},
	} {
		t.Run(name, func(t *testing.T) {
			server := stored()
			server.Spec.Database.Type = dittofsv1alpha1.DatabaseSQLite
			c.change(server)
			if got := c.cell(server); got != c.want {
				t.Errorf("the cell says %s, want %s", got, c.want)
			}
		})
	}
}
