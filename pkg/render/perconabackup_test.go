// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func backedUp(server *v1alpha1.DittoServer) *v1alpha1.DittoServer {
	server.Spec.Percona.Backup = &v1alpha1.PerconaBackupSpec{Enabled: true, Bucket: "backups", Endpoint: "s3.eu-west-1.amazonaws.com"}
	return server
}

func TestBackupsByBucketAndEndpoint(t *testing.T) {
	tests := []struct {
		name, bucket, endpoint string
		style                  any
	}{
		{"AWS has the bucket in the name of the host", "backups", "s3.eu-west-1.amazonaws.com", nil},
		{"AWS in China too", "backups", "s3.cn-north-1.amazonaws.com.cn", nil},
		{"with a port as well", "backups", "S3.eu-west-1.amazonaws.com:443", nil},
		{"a bucket with a dot has no certificate there", "backups.example.com", "s3.eu-west-1.amazonaws.com", "path"},
		{"AWS with its scheme is AWS", "backups", "https://s3.eu-west-1.amazonaws.com", nil},
		{"other services have it in the path", "backups", "minio.example.com:9000", "path"},
		{"a name that only looks like AWS is another service", "backups", "notamazonaws.com", "path"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := perconaServer(t)
			server.Spec.Percona.Backup = &v1alpha1.PerconaBackupSpec{Enabled: true, Bucket: tt.bucket, Endpoint: tt.endpoint}
			got := newPerconaCluster(t).render(server)
			if host := at(got, "spec", "backups", "pgbackrest", "repos"); strings.Contains(fmt.Sprint(host), "https://") {
				t.Errorf("the scheme is passed on: %v", host)
			}
			if style := at(got, "spec", "backups", "pgbackrest", "global", "repo1-s3-uri-style"); style != tt.style {
				t.Errorf("got %v, want %v", style, tt.style)
			}
		})
	}
}

func TestBackupsAreTurnedOffWithPermission(t *testing.T) {
	const permission = "pgv2.percona.com/authorizeBackupRemoval"
	server, cluster := backedUp(perconaServer(t)), newPerconaCluster(t)
	if cluster.apply(server).GetAnnotations()[permission] != "" {
		t.Error("permitted while backups are on")
	}
	server.Spec.Percona.Backup.Enabled = false
	for range 3 {
		live := cluster.apply(server)
		mustHave(t, live, map[string]any{"backups.enabled": false, "backups.pgbackrest.repos": nil})
		if live.GetAnnotations()[permission] != "true" {
			t.Fatal("the permission is missing: the Percona operator stops working on the cluster")
		}
	}
	live := cluster.apply(backedUp(server))
	mustHave(t, live, map[string]any{"backups.enabled": true})
	if live.GetAnnotations()[permission] != "" {
		t.Error("the permission stays when backups are on again")
	}

	unsaid := newPerconaCluster(t)
	unsaid.writtenBy("manager", func(content map[string]any) {
		maps.Copy(content, adopted(t))
		unstructured.RemoveNestedField(content, "spec", "backups", "enabled")
	})
	if unsaid.apply(perconaServer(t)).GetAnnotations()[permission] != "true" {
		t.Error("backups are on unless somebody says otherwise, and the permission is missing")
	}

	fresh := newPerconaCluster(t).apply(perconaServer(t))
	if fresh.GetAnnotations()[permission] != "" {
		t.Error("a cluster that never had backups needs no permission")
	}
}

func TestBackupsStayWhereTheyAre(t *testing.T) {
	server, cluster := backedUp(perconaServer(t)), newPerconaCluster(t)
	server.Spec.Percona.Backup.Path = "/elsewhere"
	cluster.apply(server)
	server.Spec.Percona.Backup.Path = ""
	path := func(object *unstructured.Unstructured) any {
		return at(object, "spec", "backups", "pgbackrest", "global", "repo1-path")
	}
	if got := path(cluster.apply(server)); got != "/elsewhere" {
		t.Errorf("a cluster with backups moved to %v", got)
	}
	server.Spec.Percona.Backup.Enabled = false
	cluster.apply(server)
	cluster.writtenBy("kubectl-edit", func(content map[string]any) {
		cluster.set(content, "/of/somebody", "spec", "backups", "pgbackrest", "global", "repo1-path")
	})
	server.Spec.Percona.Backup.Enabled = true
	if got := path(cluster.apply(server)); got != "/pgbackrest/team-a/files/repo1" {
		t.Errorf("new backups go to %v", got)
	}
}
