// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func validateStorage(storage *dittofsv1alpha1.StorageSpec, path *field.Path) field.ErrorList {
	errs := validateSize(storage.MetadataSize, path.Child("metadataSize"))
	errs = append(errs, validateSize(storage.ContentSize, path.Child("contentSize"))...)
	errs = append(errs, validateSize(storage.ControlPlaneSize, path.Child("controlPlaneSize"))...)
	errs = append(errs, validateSize(storage.CacheSize, path.Child("cacheSize"))...)
	if storage.Ephemeral && storage.StorageClassName != nil {
		errs = append(errs, field.Forbidden(path.Child("storageClassName"), "ephemeral volumes have no StorageClass; take it away"))
	}
	return append(errs, validateObjectName(ptr.Deref(storage.StorageClassName, ""), path.Child("storageClassName"))...)
}

// validateSize takes no size as given: the required one is required by its tag.
func validateSize(size *resource.Quantity, path *field.Path) field.ErrorList {
	if size == nil || size.Sign() > 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(path, size.String(), "must be greater than zero, for example 10Gi")}
}

// validateLogOutput allows a file where a volume is mounted: the rest of the
// file system of the container is read-only.
func validateLogOutput(spec *dittofsv1alpha1.DittoServerSpec, fieldPath *field.Path) field.ErrorList {
	output := spec.Logging.Output
	if output == "stdout" || output == "stderr" {
		return nil
	}
	mounts := []string{"/data/controlplane/", "/data/store/metadata/"}
	if spec.Storage.ContentSize != nil {
		mounts = append(mounts, "/data/store/block/")
	}
	if spec.Storage.CacheSize != nil {
		mounts = append(mounts, "/data/cache/")
	}
	below := func(mount string) bool { return strings.HasPrefix(output, mount) }
	if path.Clean(output) == output && slices.ContainsFunc(mounts, below) {
		if isDatabaseFile(spec, output) {
			return field.ErrorList{field.Invalid(fieldPath, output,
				"is a file of the database, which a log would destroy; use another one, for example /data/controlplane/dfs.log")}
		}
		return nil
	}
	return field.ErrorList{field.Invalid(fieldPath, output,
		"must be stdout, stderr or a file on a volume, which is below "+strings.Join(mounts, " or "))}
}

// isDatabaseFile knows the files that SQLite has beside its own.
func isDatabaseFile(spec *dittofsv1alpha1.DittoServerSpec, file string) bool {
	database := sqlitePath(&spec.Database)
	return databaseKind(spec) == dittofsv1alpha1.DatabaseSQLite &&
		slices.Contains([]string{database, database + "-wal", database + "-shm", database + "-journal"}, file)
}
