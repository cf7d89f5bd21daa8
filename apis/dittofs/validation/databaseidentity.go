// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// validateDatabaseIdentity keeps a server on its database. dfs starts happily on
// a blank one, and then everything that it knew is gone.
func validateDatabaseIdentity(server, old *dittofsv1alpha1.DittoServer) field.ErrorList {
	setUp := old.Status.ConfigHash != ""
	if _, accepted := server.Annotations[dittofsv1alpha1.AnnotationAcceptEmptyDatabase]; accepted || !setUp {
		return nil
	}
	spec, oldSpec := &server.Spec, &old.Spec
	path := field.NewPath("spec")
	kind, oldKind := databaseKind(spec), databaseKind(oldSpec)
	if kind == "" {
		return nil
	}
	if kind != oldKind {
		if usesPercona(spec) != usesPercona(oldSpec) {
			return moved(path.Child("percona", "enabled"), usesPercona(spec), usesPercona(oldSpec))
		}
		return moved(path.Child("database", "type"), kind, oldKind)
	}
	switch kind {
	case dittofsv1alpha1.DatabaseSQLite:
		return stays(path.Child("database", "sqlite", "path"), sqlitePath(&spec.Database), sqlitePath(&oldSpec.Database))
	case dittofsv1alpha1.DatabasePostgres:
		return stays(path.Child("database", "postgresSecretRef", "name"),
			spec.Database.PostgresSecretRef.Name, oldSpec.Database.PostgresSecretRef.Name)
	}
	path = path.Child("percona")
	errs := stays(path.Child("existingClusterRef", "name"), perconaCluster(server), perconaCluster(old))
	errs = append(errs, stays(path.Child("databaseName"), spec.Percona.DatabaseName, oldSpec.Percona.DatabaseName)...)
	errs = append(errs, stays(path.Child("userName"), spec.Percona.UserName, oldSpec.Percona.UserName)...)
	version, was := postgresVersion(spec.Percona), postgresVersion(oldSpec.Percona)
	if makesCluster(spec) && makesCluster(oldSpec) && version != was {
		errs = append(errs, field.Invalid(path.Child("postgresVersion"), version, fmt.Sprintf(
			"cannot be changed here once the server has been set up: a PerconaPGUpgrade of the Percona operator does that, and this field may stay as it is; it was %d", was)))
	}
	return errs
}

func stays[T comparable](path *field.Path, value, old T) field.ErrorList {
	if value == old {
		return nil
	}
	return moved(path, value, old)
}

func moved(path *field.Path, value, old any) field.ErrorList {
	return field.ErrorList{field.Invalid(path, value, fmt.Sprintf(
		"is immutable once the server has been set up: it would start with an empty database; set the annotation %s to allow that; it was %v",
		dittofsv1alpha1.AnnotationAcceptEmptyDatabase, old))}
}

const perconaKind dittofsv1alpha1.DatabaseType = "percona"

// databaseKind is the kind of database that is rendered: Percona and the
// reference to a Secret win over the type.
func databaseKind(spec *dittofsv1alpha1.DittoServerSpec) dittofsv1alpha1.DatabaseType {
	switch {
	case usesPercona(spec):
		return perconaKind
	case spec.Database.PostgresSecretRef != nil:
		return dittofsv1alpha1.DatabasePostgres
	case spec.Database.Type == dittofsv1alpha1.DatabasePostgres:
		// Refused elsewhere, for want of a Secret.
		return ""
	}
	return dittofsv1alpha1.DatabaseSQLite
}

func sqlitePath(database *dittofsv1alpha1.DatabaseSpec) string {
	if database.SQLite == nil {
		return ""
	}
	return database.SQLite.Path
}

// perconaCluster is the name of the cluster, whoever made it: to name the
// server's own one in existingClusterRef is no move to another database.
func perconaCluster(server *dittofsv1alpha1.DittoServer) string {
	if ref := server.Spec.Percona.ExistingClusterRef; ref != nil {
		return ref.Name
	}
	return server.Name + perconaSuffix
}

func postgresVersion(percona *dittofsv1alpha1.PerconaSpec) int32 {
	return ptr.Deref(percona.PostgresVersion, defaultPostgresVersion)
}
