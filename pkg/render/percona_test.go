// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// databases are the cases with a golden manifest: testdata/percona/NAME.in.yaml is the DittoServer, NAME.live.yaml the
// PerconaPGCluster that is there, if any, and NAME.out.yaml what is applied.
var databases = []struct {
	name string // what the manifest shows
	file string
}{
	{name: "a new cluster has explicit versions and images, and no backups", file: "new"},
	{name: "every field of the spec arrives in the cluster", file: "full"},
	{name: "an older Percona operator is told the image of the pool that it makes anyway", file: "older-operator"},
	{name: "a cluster that the DittoFS operator made keeps its versions, its volumes and its backups", file: "adopted"},
}

func TestGoldenPercona(t *testing.T) {
	for _, tc := range databases {
		t.Run(tc.name, func(t *testing.T) {
			server := &v1alpha1.DittoServer{}
			readYAML(t, "percona/"+tc.file+".in.yaml", server)
			cluster := newPerconaCluster(t)
			if _, err := os.Stat(filepath.Join("testdata", "percona", tc.file+".live.yaml")); err == nil {
				cluster.writtenBy("manager", func(content map[string]any) {
					maps.Copy(content, readUnstructured(t, "percona/"+tc.file+".live.yaml"))
				})
			}
			got := cluster.render(server)
			compareGolden(t, "percona/"+tc.file, documents(t, got.Object))
			cluster.apply(server)
		})
	}
}

func perconaServer(t *testing.T) *v1alpha1.DittoServer {
	t.Helper()
	server := &v1alpha1.DittoServer{}
	readYAML(t, "percona/new.in.yaml", server)
	return server
}

func TestNoPerconaClusterIsMade(t *testing.T) {
	tests := []struct {
		name string
		spec *v1alpha1.PerconaSpec
	}{
		{"without percona", nil},
		{"while percona is off", &v1alpha1.PerconaSpec{}},
		{"for a server that uses one that is there", &v1alpha1.PerconaSpec{Enabled: true, ExistingClusterRef: &v1alpha1.PerconaClusterReference{Name: "shared"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := perconaServer(t)
			server.Spec.Percona = tt.spec
			got, err := render.Percona(server, nil)
			if err != nil || got != nil {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}

func TestPerconaRefuses(t *testing.T) {
	backup := func(b v1alpha1.PerconaBackupSpec) func(*v1alpha1.DittoServer) {
		b.Enabled = true
		return func(server *v1alpha1.DittoServer) { server.Spec.Percona.Backup = &b }
	}
	tests := []struct {
		name string
		edit func(*v1alpha1.DittoServer)
		want string
	}{
		{"a version that kills the Percona operator", func(s *v1alpha1.DittoServer) { s.Spec.Percona.CRVersion = "latest" },
			`spec.percona.crVersion: Invalid value: "latest": must be a version X.Y.Z, 2.6.0 or later`},
		{"a version that is not spelt out", func(s *v1alpha1.DittoServer) { s.Spec.Percona.CRVersion = "v3.0.0" },
			`spec.percona.crVersion: Invalid value: "v3.0.0"`},
		{"a version that makes no schema for the user", func(s *v1alpha1.DittoServer) { s.Spec.Percona.CRVersion = "2.5.1" },
			`spec.percona.crVersion: Invalid value: "2.5.1"`},
		{"a version of PostgreSQL that has no default image", func(s *v1alpha1.DittoServer) { s.Spec.Percona.PostgresVersion = new(int32(17)) },
			"spec.percona.images.postgres: Required value: there is a default for postgresVersion 18 only; give the image of version 17"},
		{"a name that leaves no room for those of pods", func(s *v1alpha1.DittoServer) { s.Name = strings.Repeat("f", 29) },
			"use a name of at most 28"},
		{"backups to nowhere", backup(v1alpha1.PerconaBackupSpec{Endpoint: "s3.example.com"}), "spec.percona.backup.bucket: Required value"},
		{"backups without a service", backup(v1alpha1.PerconaBackupSpec{Bucket: "backups"}), "spec.percona.backup.endpoint: Required value"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := perconaServer(t)
			tt.edit(server)
			got, err := render.Percona(server, nil)
			if err == nil {
				t.Fatalf("no error, but %v", got)
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want %q", err, tt.want)
			}
		})
	}
}

// at is what a field has; nil if it is not set.
func at(object *unstructured.Unstructured, fields ...string) any {
	value, _, err := unstructured.NestedFieldNoCopy(object.Object, fields...)
	if err != nil {
		return err
	}
	return value
}

func TestNamesOfPercona(t *testing.T) {
	server := &v1alpha1.DittoServer{}
	server.Name = "files"
	check := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	check("cluster", render.PerconaClusterName(server), "files-postgres")
	check("user", render.PerconaUserSecretName(server), "files-postgres-pguser-dittofs")
	check("CA", strings.Join([]string{render.PerconaCASecret(server).Name, render.PerconaCASecret(server).Key}, "/"), "files-postgres-cluster-cert/ca.crt")

	server.Spec.Percona = &v1alpha1.PerconaSpec{
		ExistingClusterRef: &v1alpha1.PerconaClusterReference{Name: "shared"},
		UserName:           "keeper",
	}
	check("cluster that is there", render.PerconaClusterName(server), "shared")
	check("user of it", render.PerconaUserSecretName(server), "shared-pguser-keeper")
	check("CA of it", render.PerconaCASecret(server).Name, "shared-cluster-cert")

	server.Spec.Percona.CASecretRef = &v1alpha1.SecretKeyReference{Name: "ca", Key: "root.crt"}
	if got := render.PerconaCASecret(server); got != (render.SecretKey{Name: "ca", Key: "root.crt"}) {
		t.Errorf("CA of the user: got %v", got)
	}
}
