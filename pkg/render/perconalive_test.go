// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

const perconaOperator = "percona-postgresql-operator"

// upgrade is what a PerconaPGUpgrade does at its end.
func (c *perconaCluster) upgrade(major int64, image string) {
	c.t.Helper()
	c.writtenBy(perconaOperator, func(content map[string]any) {
		c.set(content, major, "spec", "postgresVersion")
		c.set(content, image, "spec", "image")
		c.set(content, "upgraded/pgbackrest:1", "spec", "backups", "pgbackrest", "image")
		c.set(content, "upgraded/pgbouncer:1", "spec", "proxy", "pgBouncer", "image")
	})
}

// mustHave compares fields, named by their paths.
func mustHave(t *testing.T, object *unstructured.Unstructured, want map[string]any) {
	t.Helper()
	for path, value := range want {
		fields := append([]string{"spec"}, strings.Split(path, ".")...)
		if got := at(object, fields...); !cmp.Equal(got, value) {
			t.Errorf("%s is %v, want %v", path, got, value)
		}
	}
}

func TestAnUnchangedClusterIsRenderedAsItIs(t *testing.T) {
	for _, file := range []string{"new", "full", "older-operator"} {
		t.Run(file, func(t *testing.T) {
			server := &v1alpha1.DittoServer{}
			readYAML(t, "percona/"+file+".in.yaml", server)
			cluster := newPerconaCluster(t)
			first := cluster.render(server)
			cluster.applyObject(first)
			if diff := cmp.Diff(first.Object, cluster.render(server).Object); diff != "" {
				t.Errorf("the second time differs:\n%s", diff)
			}
		})
	}
}

func TestWhatThePerconaOperatorWritesStays(t *testing.T) {
	server := backedUp(perconaServer(t))
	cluster := newPerconaCluster(t)
	first := cluster.render(server)
	cluster.applyObject(first)
	cluster.writtenBy(perconaOperator, func(content map[string]any) {
		c := cluster
		c.set(content, "4.0.5", "metadata", "annotations", "pgv2.percona.com/patroni-version")
		c.set(content, "repo1-full-1", "metadata", "annotations", "pgv2.percona.com/backup-in-progress")
		c.set(content, []any{"internal.percona.com/stop-watchers"}, "metadata", "finalizers")
		c.set(content, map[string]any{"repoName": "repo1", "options": []any{"--type=full"}}, "spec", "backups", "pgbackrest", "manual")
		c.set(content, map[string]any{"enabled": false, "repoName": "repo1"}, "spec", "backups", "pgbackrest", "restore")
		c.set(content, true, "spec", "pause")
	})
	if diff := cmp.Diff(first.Object, cluster.render(server).Object); diff != "" {
		t.Errorf("it changes what we render:\n%s", diff)
	}
	before := cluster.live()
	after := cluster.apply(server)
	for _, object := range []*unstructured.Unstructured{before, after} {
		object.SetManagedFields(nil)
	}
	if diff := cmp.Diff(before.Object, after.Object); diff != "" {
		t.Errorf("an apply changes it:\n%s", diff)
	}
}

func TestAClusterKeepsTheImagesItWasMadeWith(t *testing.T) {
	server := perconaServer(t)
	cluster := newPerconaCluster(t)
	made := cluster.render(server)
	// An older release of ours had other defaults.
	was := map[string]any{"crVersion": "2.9.0", "postgresVersion": int64(17), "image": "old/postgres:17.5-1", "backups.pgbackrest.image": "old/pgbackrest:1"}
	for path, value := range was {
		cluster.set(made.Object, value, append([]string{"spec"}, strings.Split(path, ".")...)...)
	}
	cluster.applyObject(made)
	mustHave(t, cluster.apply(server), was)

	t.Run("until the spec has others", func(t *testing.T) {
		server.Spec.Percona.CRVersion = "3.0.0"
		server.Spec.Percona.Images = v1alpha1.PerconaImages{Postgres: "new/postgres:17.6-1", PgBackRest: "new/pgbackrest:2", Init: "new/init:1"}
		want := map[string]any{"crVersion": "3.0.0", "image": "new/postgres:17.6-1", "backups.pgbackrest.image": "new/pgbackrest:2", "initContainer.image": "new/init:1"}
		mustHave(t, cluster.apply(server), want)
		server.Spec.Percona.CRVersion, server.Spec.Percona.Images = "", v1alpha1.PerconaImages{}
		mustHave(t, cluster.apply(server), want)
	})
}

func TestWhatOthersAppliedIsNotSent(t *testing.T) {
	server, cluster := perconaServer(t), newPerconaCluster(t)
	live := &unstructured.Unstructured{Object: adopted(t)}
	if err := cluster.fields.Apply(live, "argocd-controller", true); err != nil {
		t.Fatal(err)
	}
	cluster.made = true
	for range 2 {
		mustHave(t, cluster.render(server), map[string]any{"crVersion": nil, "postgresVersion": nil})
		mustHave(t, cluster.apply(server), map[string]any{"crVersion": "2.8.0", "postgresVersion": int64(16)})
	}
}

func TestAnUpgradeOfPostgreSQLIsNeverUndone(t *testing.T) {
	tests := []struct {
		name string
		spec v1alpha1.PerconaSpec
		next string // the image with which the spec follows
	}{
		{"with the version and the image in the spec", v1alpha1.PerconaSpec{PostgresVersion: new(int32(17)), Images: v1alpha1.PerconaImages{
			Postgres: "registry.example.com:5000/percona/postgresql:17.6-1", PgBackRest: "old/pgbackrest:1", PgBouncer: "old/pgbouncer:1"}},
			"percona/percona-distribution-postgresql:18.4-1"},
		{"with an image whose tag says nothing", v1alpha1.PerconaSpec{PostgresVersion: new(int32(17)), Images: v1alpha1.PerconaImages{
			Postgres: "mirror/postgres@sha256:0000000000000000000000000000000000000000000000000000000000000017", PgBackRest: "old/pgbackrest:1"}},
			"mirror/postgres:18@sha256:0000000000000000000000000000000000000000000000000000000000000018"},
		{"with the image of an older scheme", v1alpha1.PerconaSpec{PostgresVersion: new(int32(17)), Images: v1alpha1.PerconaImages{
			Postgres: "percona/percona-postgresql-operator:2.8.2-ppg17.6-postgres", PgBackRest: "old/pgbackrest:1"}},
			"percona/percona-postgresql-operator:2.9.0-ppg18.3-postgres"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := perconaServer(t)
			server.Spec.Percona = &tt.spec
			server.Spec.Percona.Enabled = true
			server.Spec.Percona.PgBouncer = &v1alpha1.PgBouncerSpec{}
			cluster := newPerconaCluster(t)
			mustHave(t, cluster.apply(server), map[string]any{"postgresVersion": int64(17), "image": tt.spec.Images.Postgres})

			cluster.upgrade(18, "percona/percona-distribution-postgresql:18.3-2")
			upgraded := map[string]any{
				"postgresVersion":          int64(18),
				"image":                    "percona/percona-distribution-postgresql:18.3-2",
				"backups.pgbackrest.image": "upgraded/pgbackrest:1",
				"proxy.pgBouncer.image":    "upgraded/pgbouncer:1",
			}
			sent := cluster.render(server)
			mustHave(t, sent, map[string]any{"postgresVersion": nil, "image": nil})
			mustHave(t, cluster.apply(server), upgraded)

			server.Spec.Percona.Images.Postgres = tt.next
			if got := at(cluster.apply(server), "spec", "image"); got != tt.next {
				t.Errorf("the spec follows the upgrade, and the image is %v", got)
			}
		})
	}
}

func TestVolumesOfPercona(t *testing.T) {
	tests := []struct {
		name              string
		made, size, class string
		wantSize          string
	}{
		{"grow", "10Gi", "20Gi", "", "20Gi"},
		{"never shrink", "10Gi", "5Gi", "", "10Gi"},
		{"are left alone if the size is only written in another way", "10240Mi", "10Gi", "", "10240Mi"},
		{"never change their class", "10Gi", "10Gi", "slow", "10Gi"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := perconaServer(t)
			server.Spec.Percona.StorageClassName = new("fast-ssd")
			cluster := newPerconaCluster(t)
			made := cluster.render(server)
			set, _ := at(made, "spec", "instances").([]any)[0].(map[string]any)
			cluster.set(set, tt.made, "dataVolumeClaimSpec", "resources", "requests", "storage")
			cluster.applyObject(made)
			server.Spec.Percona.StorageSize = new(resource.MustParse(tt.size))
			if tt.class != "" {
				server.Spec.Percona.StorageClassName = &tt.class
			} else {
				server.Spec.Percona.StorageClassName = nil
			}
			instances, _ := at(cluster.apply(server), "spec", "instances").([]any)
			if len(instances) != 1 {
				t.Fatalf("want one set of instances, got %v", instances)
			}
			claim, _, _ := unstructured.NestedMap(instances[0].(map[string]any), "dataVolumeClaimSpec")
			want := map[string]any{
				"accessModes":      []any{"ReadWriteOnce"},
				"resources":        map[string]any{"requests": map[string]any{"storage": tt.wantSize}},
				"storageClassName": "fast-ssd",
			}
			if diff := cmp.Diff(want, claim); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestAPoolAddedLaterHasAnImage(t *testing.T) {
	server, cluster := perconaServer(t), newPerconaCluster(t)
	if got := at(cluster.apply(server), "spec", "proxy"); got != nil {
		t.Errorf("a pool that nobody asked for: %v", got)
	}
	server.Spec.Percona.PgBouncer = &v1alpha1.PgBouncerSpec{Replicas: new(int32(2))}
	want := map[string]any{"proxy.pgBouncer.image": "percona/percona-pgbouncer:1.25.1-1", "proxy.pgBouncer.replicas": int64(2)}
	mustHave(t, cluster.apply(server), want)
	mustHave(t, cluster.apply(server), want)
	server.Spec.Percona.PgBouncer = nil
	if got := at(cluster.apply(server), "spec", "proxy", "pgBouncer", "image"); got != nil {
		t.Errorf("a pool that is not wanted any more: %v", got)
	}
}
