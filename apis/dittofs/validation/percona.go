// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

const (
	// maxPerconaName is the most that the names of a PerconaPGCluster and of its
	// set of instances may have together (a comment in the Percona types).
	maxPerconaName   = 46
	perconaSuffix    = "-postgres"
	perconaInstances = "instance1"

	defaultPostgresVersion = 18
)

var (
	readyTimeouts = durationRange{min: time.Minute, max: 24 * time.Hour, example: "10m"}
	databaseName  = regexp.MustCompile(`^[a-z_][a-z0-9_-]*$`)
	userName      = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`) // that of the Percona CRD
	crVersion     = regexp.MustCompile(`^(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})$`)
	// Roles and databases that PostgreSQL or the Percona operator has already.
	reservedUsers     = []string{"postgres", "monitor", "logicalrepl", "public", "none"}
	reservedDatabases = []string{"postgres", "template0", "template1"}
)

// validatePercona checks forms whether it is enabled or not, and what a cluster
// needs only for one that is to be made.
func validatePercona(server *dittofsv1alpha1.DittoServer, path *field.Path) field.ErrorList {
	percona := server.Spec.Percona
	if percona == nil {
		return nil
	}
	errs := validatePerconaForms(percona, path)
	if percona.ExistingClusterRef != nil {
		return append(errs, validateExistingCluster(&server.Spec, path)...)
	}
	if percona.Enabled {
		errs = append(errs, validateNewCluster(server, path)...)
	}
	if percona.DeleteWithServer && server.Spec.DeletionPolicy.Database == dittofsv1alpha1.RetainData {
		errs = append(errs, field.Invalid(path.Child("deleteWithServer"), true,
			"contradicts deletionPolicy.database, which is Retain: set deletionPolicy.database to Delete, or take deleteWithServer away"))
	}
	return errs
}

func validatePerconaForms(percona *dittofsv1alpha1.PerconaSpec, path *field.Path) field.ErrorList {
	errs := validatePostgresName(percona.DatabaseName, databaseName, reservedDatabases,
		"must be lower-case letters, digits, '_' and '-', starting with a letter or '_', for example dittofs", path.Child("databaseName"))
	errs = append(errs, validatePostgresName(percona.UserName, userName, reservedUsers,
		"must be lower-case letters, digits and '-', starting and ending with a letter or digit, for example dittofs", path.Child("userName"))...)
	errs = append(errs, validateKeyReference(percona.CASecretRef, path.Child("caSecretRef"))...)
	errs = append(errs, validateSize(percona.StorageSize, path.Child("storageSize"))...)
	errs = append(errs, validateObjectName(ptr.Deref(percona.StorageClassName, ""), path.Child("storageClassName"))...)
	errs = append(errs, validateResources(percona.Resources, path.Child("resources"))...)
	errs = append(errs, validateCRVersion(percona.CRVersion, path.Child("crVersion"))...)
	images := path.Child("images")
	errs = append(errs, validateOptionalImage(percona.Images.Postgres, images.Child("postgres"))...)
	errs = append(errs, validateOptionalImage(percona.Images.PgBouncer, images.Child("pgBouncer"))...)
	errs = append(errs, validateOptionalImage(percona.Images.PgBackRest, images.Child("pgBackRest"))...)
	errs = append(errs, validateOptionalImage(percona.Images.Init, images.Child("init"))...)
	if percona.PgBouncer != nil {
		errs = append(errs, validateResources(percona.PgBouncer.Resources, path.Child("pgBouncer", "resources"))...)
	}
	errs = append(errs, validateBackup(percona.Backup, path.Child("backup"))...)
	return append(errs, readyTimeouts.check(percona.ReadyTimeout, path.Child("readyTimeout"))...)
}

func validatePostgresName(name string, form *regexp.Regexp, reserved []string, message string, path *field.Path) field.ErrorList {
	if !form.MatchString(name) {
		return field.ErrorList{field.Invalid(path, name, message)}
	}
	if slices.Contains(reserved, name) {
		return field.ErrorList{field.Invalid(path, name, "is taken by PostgreSQL or the Percona operator; use another one, for example dittofs")}
	}
	return nil
}

// maxCRVersion is what the tag refuses.
const maxCRVersion = 32

// validateCRVersion is strict: with a version that it cannot parse the Percona
// operator stops working for all of its clusters.
func validateCRVersion(version string, path *field.Path) field.ErrorList {
	if version == "" || utf8.RuneCountInString(version) > maxCRVersion {
		return nil
	}
	parts := crVersion.FindStringSubmatch(version)
	if parts == nil {
		return field.ErrorList{field.Invalid(path, version, "must be a version as X.Y.Z, for example 3.0.0")}
	}
	major, _ := strconv.Atoi(parts[1])
	minor, _ := strconv.Atoi(parts[2])
	if major < 2 || major == 2 && minor < 6 {
		return field.ErrorList{field.Invalid(path, version,
			"must be 2.6.0 or later: before that the Percona operator makes no schema for the user, and dfs may not create its tables")}
	}
	return nil
}

func validateNewCluster(server *dittofsv1alpha1.DittoServer, path *field.Path) field.ErrorList {
	percona := server.Spec.Percona
	var errs field.ErrorList
	if longest := maxPerconaName - len(perconaSuffix) - len(perconaInstances); len(server.Name) > longest {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), server.Name, fmt.Sprintf(
			"must be no more than %d characters with percona.enabled, because the PerconaPGCluster is named NAME-postgres (it has %d); use a shorter name, or percona.existingClusterRef",
			longest, len(server.Name))))
	}
	if version := ptr.Deref(percona.PostgresVersion, defaultPostgresVersion); version != defaultPostgresVersion && percona.Images.Postgres == "" {
		errs = append(errs, field.Required(path.Child("images", "postgres"), fmt.Sprintf(
			"postgresVersion %d needs an image of that version: the default is one of PostgreSQL %d", version, defaultPostgresVersion)))
	}
	return errs
}

// validateExistingCluster refuses what would have to be written to a cluster
// that is read only.
func validateExistingCluster(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) field.ErrorList {
	percona := spec.Percona
	var errs field.ErrorList
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"replicas", percona.Replicas != nil},
		{"storageSize", percona.StorageSize != nil},
		{"storageClassName", percona.StorageClassName != nil},
		{"resources", percona.Resources != nil},
		{"postgresVersion", percona.PostgresVersion != nil},
		{"crVersion", percona.CRVersion != ""},
		{"images", percona.Images != dittofsv1alpha1.PerconaImages{}},
		{"pgBouncer", percona.PgBouncer != nil},
		{"backup", percona.Backup != nil},
		{"deleteWithServer", percona.DeleteWithServer},
	} {
		if f.set {
			errs = append(errs, field.Forbidden(path.Child(f.name), "the cluster of existingClusterRef is read, never changed; take this field away"))
		}
	}
	// By default deleteWithServer implies Delete: one mistake, one error.
	if spec.DeletionPolicy.Database == dittofsv1alpha1.DeleteData && !percona.DeleteWithServer {
		errs = append(errs, field.Invalid(field.NewPath("spec", "deletionPolicy", "database"), dittofsv1alpha1.DeleteData,
			"must be Retain with percona.existingClusterRef: a database that was there before is never deleted"))
	}
	return errs
}
