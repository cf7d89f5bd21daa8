// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestKubectlGetPrintsColumns(t *testing.T) {
	namespace := cluster.Namespace(t)
	cluster.CreateDittoServer(t, namespace, "fresh")
	cluster.CreateDittoServer(t, namespace, "running", func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "example/dfs:v1" })
	setStatus(t, namespace, "running", func(status *dittofsv1alpha1.DittoServerStatus) {
		status.Phase, status.Version = dittofsv1alpha1.PhaseRunning, "v0.29.0"
		status.Conditions = []metav1.Condition{condition("Ready", metav1.ConditionTrue, "AllReady")}
		status.Adapters = []dittofsv1alpha1.AdapterStatus{{Type: "nfs", Enabled: true, Running: true}, {Type: "smb", Enabled: true}}
		status.Endpoints.API = "http://running-api.svc:8080"
		status.Volumes = []dittofsv1alpha1.VolumeStatus{{Name: "metadata", Phase: "Bound"}, {Name: "controlplane", Phase: "Pending"}}
	})
	cluster.CreateDittoServer(t, namespace, "zombie")
	kubectl := cluster.Admin.Kubectl(namespace)
	kubectl.Run(t, "delete", "dittoserver", "zombie", "--wait=false")

	running := []string{"running", "Running", "True", "nfs,smb(down)", "http://running-api.svc:8080", "v0.29.0", "<age>"}
	cases := []struct {
		name string
		args []string
		want [][]string
	}{
		{"the short form", []string{"get", "ditto"}, [][]string{
			{"NAME", "PHASE", "READY", "ADAPTERS", "ENDPOINT", "VERSION", "AGE"},
			{"fresh", "Pending", "Unknown", "<none>", "<none>", "<none>", "<age>"},
			running,
			{"zombie", "Deleting", "Unknown", "<none>", "<none>", "<none>", "<age>"},
		}},
		{"wide", []string{"get", "dfs", "running", "-o", "wide"}, [][]string{
			{"NAME", "PHASE", "READY", "ADAPTERS", "ENDPOINT", "VERSION", "AGE", "IMAGE", "DATABASE", "VOLUMES", "STORAGECLASS", "CLASS"},
			append(running[:len(running):len(running)], "example/dfs:v1", "sqlite", "1/2", "<default>", "<none>"),
		}},
		{"without headers", []string{"get", "dittofs", "running", "--no-headers"}, [][]string{running}},
		{"with labels and in all namespaces", []string{"get", "dittoservers", "-A", "--field-selector=metadata.namespace=" + namespace + ",metadata.name=running", "--show-labels"}, [][]string{
			{"NAMESPACE", "NAME", "PHASE", "READY", "ADAPTERS", "ENDPOINT", "VERSION", "AGE", "LABELS"},
			append(append([]string{namespace}, running...), "<none>"),
		}},
		{"the phase that is printed can be selected on", []string{"get", "dfs", "--field-selector=status.phase=Pending", "--no-headers"}, [][]string{
			{"fresh", "Pending"},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			lines := strings.Split(strings.TrimSpace(kubectl.Run(t, c.args...)), "\n")
			if len(lines) != len(c.want) {
				t.Fatalf("got %d lines, want %d:\n%s", len(lines), len(c.want), strings.Join(lines, "\n"))
			}
			for i, line := range lines {
				got := strings.Fields(line)
				for column, want := range c.want[i] {
					if column >= len(got) || want != "<age>" && got[column] != want || want == "<age>" && !strings.HasSuffix(got[column], "s") {
						t.Errorf("line %q, want %v", line, c.want[i])
						break
					}
				}
			}
		})
	}
}

func TestTablesDescribeTheirColumnsAndCarryVersions(t *testing.T) {
	namespace := cluster.Namespace(t)
	server := cluster.CreateDittoServer(t, namespace, "files")
	cluster.CreateDittoServer(t, namespace, "more")
	table := func(path string) metav1.Table {
		body, err := cluster.Admin.DittoFS.DittofsV1alpha1().RESTClient().Get().RequestURI(path).
			SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(t.Context()).Raw()
		if err != nil {
			t.Fatal(err)
		}
		var answer metav1.Table
		if err := json.Unmarshal(body, &answer); err != nil || answer.Kind != "Table" {
			t.Fatalf("no table: %v: %s", err, body)
		}
		return answer
	}
	base := "/apis/dittofs.io/v1alpha1/namespaces/" + namespace + "/dittoservers"
	list := table(base)
	for _, column := range list.ColumnDefinitions {
		if column.Type == "" || !strings.HasSuffix(column.Description, ".") {
			t.Errorf("column %s is not described: %+v", column.Name, column)
		}
	}
	if len(list.Rows) != 2 || list.ResourceVersion == "" {
		t.Errorf("%d rows of version %q", len(list.Rows), list.ResourceVersion)
	}
	var metadata metav1.PartialObjectMetadata
	if err := json.Unmarshal(list.Rows[0].Object.Raw, &metadata); err != nil || metadata.Name != "files" {
		t.Errorf("the first row is of %s: %v", list.Rows[0].Object.Raw, err)
	}
	if one := table(base + "/files"); one.ResourceVersion != server.ResourceVersion || len(one.Rows) != 1 {
		t.Errorf("table of one: version %s, %d rows", one.ResourceVersion, len(one.Rows))
	}
	if page := table(base + "?limit=1"); page.Continue == "" || page.RemainingItemCount == nil || *page.RemainingItemCount != 1 {
		t.Errorf("the first page of a table: %+v", page.ListMeta)
	}
}
