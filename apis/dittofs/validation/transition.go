// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// validateTransition refuses the changes that would lose data or that no
// cluster can carry out.
func validateTransition(server, old *dittofsv1alpha1.DittoServer) field.ErrorList {
	path := field.NewPath("spec", "storage")
	storage, oldStorage := &server.Spec.Storage, &old.Spec.Storage
	errs := validateGrowth(storage.MetadataSize, oldStorage.MetadataSize, path.Child("metadataSize"))
	errs = append(errs, validateGrowth(storage.ControlPlaneSize, oldStorage.ControlPlaneSize, path.Child("controlPlaneSize"))...)

	contentPath := path.Child("contentSize")
	switch {
	case storage.ContentSize == nil && oldStorage.ContentSize != nil:
		errs = append(errs, field.Invalid(contentPath, nil, fmt.Sprintf(
			"cannot be taken away: the volume holds file content; it was %s", oldStorage.ContentSize)))
	case storage.ContentSize != nil && oldStorage.ContentSize == nil:
		errs = append(errs, field.Invalid(contentPath, storage.ContentSize.String(),
			"cannot be added to an existing server: content would be hidden under the new volume; create another DittoServer"))
	default:
		errs = append(errs, validateGrowth(storage.ContentSize, oldStorage.ContentSize, contentPath)...)
	}

	if !ptr.Equal(storage.StorageClassName, oldStorage.StorageClassName) {
		errs = append(errs, field.Invalid(path.Child("storageClassName"), ptr.Deref(storage.StorageClassName, ""),
			fmt.Sprintf("is immutable: a claim keeps its class; it was %q", ptr.Deref(oldStorage.StorageClassName, ""))))
	}
	return append(errs, validateDatabaseIdentity(server, old)...)
}

func validateGrowth(size, old *resource.Quantity, path *field.Path) field.ErrorList {
	if size == nil || old == nil || size.Cmp(*old) >= 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(path, size.String(), fmt.Sprintf("must not be less than it was: volumes grow only, it was %s", old))}
}

// validateDatabaseIdentity keeps a server on its database. dfs starts happily on
// a blank one, and then everything that it knew is gone.
func validateDatabaseIdentity(server, old *dittofsv1alpha1.DittoServer) field.ErrorList {
	setUp := old.Status.ConfigHash != ""
	if _, accepted := server.Annotations[dittofsv1alpha1.AnnotationAcceptEmptyDatabase]; accepted || !setUp {
		return nil
	}
	path := field.NewPath("spec", "database")
	remedy := fmt.Sprintf("is immutable once the server has been set up: it would start with an empty database; set the annotation %s to allow that", dittofsv1alpha1.AnnotationAcceptEmptyDatabase)
	database, oldDatabase := &server.Spec.Database, &old.Spec.Database
	var errs field.ErrorList
	if kind, oldKind := effectiveType(database), effectiveType(oldDatabase); kind != oldKind {
		errs = append(errs, field.Invalid(path.Child("type"), kind, fmt.Sprintf("%s; it was %s", remedy, oldKind)))
	} else if kind == dittofsv1alpha1.DatabaseSQLite && !apiequality.Semantic.DeepEqual(database.SQLite, oldDatabase.SQLite) {
		errs = append(errs, field.Invalid(path.Child("sqlite", "path"), sqlitePath(database),
			fmt.Sprintf("%s; it was %s", remedy, sqlitePath(oldDatabase))))
	}
	return errs
}

// effectiveType is the kind of database that is rendered: the reference wins.
func effectiveType(database *dittofsv1alpha1.DatabaseSpec) dittofsv1alpha1.DatabaseType {
	if database.PostgresSecretRef != nil {
		return dittofsv1alpha1.DatabasePostgres
	}
	return database.Type
}

func sqlitePath(database *dittofsv1alpha1.DatabaseSpec) string {
	if database.SQLite == nil {
		return ""
	}
	return database.SQLite.Path
}
