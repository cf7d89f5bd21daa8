// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/version"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

const (
	// closedPublic is the first PostgreSQL in which users may not write to the schema public.
	closedPublic = 15
	// schemaSince is the first behaviour of the Percona operator that gives each user a schema of its own.
	schemaSince = "2.6.0"
)

// noSchema says that dfs has no schema to make its tables in, as far as the spec of a cluster that is not ours tells. What
// somebody has granted by SQL is not in it, so that this is only ever said of a dfs that does not start.
func noSchema(server *dittofsv1alpha1.DittoServer, live *unstructured.Unstructured) string {
	major, known, _ := unstructured.NestedInt64(live.Object, "spec", "postgresVersion")
	if known && major < closedPublic || schemaPerUser(live) || publicGranted(live, server.Spec.Percona.UserName) {
		return ""
	}
	user, database := server.Spec.Percona.UserName, server.Spec.Percona.DatabaseName
	return fmt.Sprintf("in %s %s its user has no schema to write to (its log has SQLSTATE 42501 then): set spec.autoCreateUserSchema there, "+
		"or run, in the database %s, CREATE SCHEMA %q AUTHORIZATION %q.", perconaKind, live.GetName(), database, user, user)
}

// schemaPerUser is what the Percona operator takes it for: true unless told otherwise, from a version on.
func schemaPerUser(live *unstructured.Unstructured) bool {
	if value, set, _ := unstructured.NestedBool(live.Object, "spec", "autoCreateUserSchema"); set {
		return value
	}
	text, _, _ := unstructured.NestedString(live.Object, "spec", "crVersion")
	v, err := version.ParseGeneric(text)
	return err != nil || v.AtLeast(version.MustParseGeneric(schemaSince))
}

func publicGranted(live *unstructured.Unstructured, user string) bool {
	users, _, _ := unstructured.NestedSlice(live.Object, "spec", "users")
	for _, item := range users {
		if u, ok := item.(map[string]any); ok && u["name"] == user {
			granted, _ := u["grantPublicSchemaAccess"].(bool)
			return granted
		}
	}
	return false
}
