// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render_test

import (
	"maps"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The schema of dfs in the database must never change: see schemaPerUser.
func TestTheSchemaOfAClusterNeverChanges(t *testing.T) {
	ofOthers := func(crVersion string, explicit any) func(*perconaCluster) {
		return func(c *perconaCluster) {
			c.writtenBy("manager", func(content map[string]any) {
				maps.Copy(content, adopted(c.t))
				c.set(content, crVersion, "spec", "crVersion")
				if explicit != nil {
					c.set(content, explicit, "spec", "autoCreateUserSchema")
				}
			})
		}
	}
	tests := []struct {
		name   string
		before func(*perconaCluster)
		drift  any // what somebody sets afterwards; nil for nothing
		want   bool
	}{
		{name: "a new cluster has one for dfs", before: func(*perconaCluster) {}, want: true},
		{name: "nobody takes it away", before: func(*perconaCluster) {}, drift: false, want: true},
		{name: "a cluster of others follows its version", before: ofOthers("2.8.0", nil), want: true},
		{name: "also if that has no schemas", before: ofOthers("2.5.0", nil), want: false},
		{name: "and keeps what it says itself", before: ofOthers("2.8.0", false), want: false},
		{name: "nobody puts an empty one in front of its tables", before: ofOthers("2.8.0", false), drift: true, want: false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server, cluster := perconaServer(t), newPerconaCluster(t)
			tt.before(cluster)
			// Adoption applies labels before it applies anything else.
			if live := cluster.live(); live != nil {
				labels := &unstructured.Unstructured{}
				labels.SetGroupVersionKind(live.GroupVersionKind())
				labels.SetLabels(map[string]string{"dittofs.io/server": "files"})
				cluster.applyObject(labels)
			}
			for range 2 {
				if got := at(cluster.apply(server), "spec", "autoCreateUserSchema"); got != tt.want {
					t.Fatalf("got %v, want %v", got, tt.want)
				}
			}
			if tt.drift != nil {
				cluster.writtenBy("kubectl-edit", func(content map[string]any) {
					cluster.set(content, tt.drift, "spec", "autoCreateUserSchema")
				})
				if got := at(cluster.apply(server), "spec", "autoCreateUserSchema"); got != tt.want {
					t.Errorf("after the drift: got %v, want %v", got, tt.want)
				}
			}
		})
	}
}

func TestTheUserNeverGetsTheSchemaPublic(t *testing.T) {
	server, cluster := perconaServer(t), newPerconaCluster(t)
	cluster.apply(server)
	cluster.writtenBy("kubectl-edit", func(content map[string]any) {
		cluster.set(content, []any{map[string]any{"name": "dittofs", "databases": []any{"dittofs"}, "grantPublicSchemaAccess": true}}, "spec", "users")
	})
	users, _ := at(cluster.apply(server), "spec", "users").([]any)
	if len(users) != 1 || users[0].(map[string]any)["grantPublicSchemaAccess"] != false {
		t.Errorf("got %v", users)
	}
}
