// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// maxPath is what the tag refuses.
const maxPath = 4096

var plainFile = regexp.MustCompile(`^[A-Za-z0-9._/-]+$`)

func validateDatabase(spec *dittofsv1alpha1.DittoServerSpec, dbPath *field.Path) field.ErrorList {
	database := &spec.Database
	if ref := database.PostgresSecretRef; ref != nil {
		return validateNotOptional(ref.Optional, dbPath.Child("postgresSecretRef", "optional"))
	}
	if usesPercona(spec) {
		return nil
	}
	if database.Type == dittofsv1alpha1.DatabasePostgres {
		return field.ErrorList{field.Required(dbPath.Child("postgresSecretRef"),
			"type postgres needs the name of a Secret with the keys host, database, user and password, or percona.enabled")}
	}
	if database.SQLite == nil {
		return nil
	}
	file := database.SQLite.Path
	if path.Clean(file) != file || !strings.HasPrefix(file, "/data/controlplane/") {
		return field.ErrorList{field.Invalid(dbPath.Child("sqlite", "path"), file,
			"must be a file below /data/controlplane/, the volume that outlives the pod")}
	}
	if !plainFile.MatchString(file) && utf8.RuneCountInString(file) <= maxPath {
		return field.ErrorList{field.Invalid(dbPath.Child("sqlite", "path"), file,
			"must have only letters, digits, '.', '_', '-' and '/': dfs reads what follows a '?' as options of the database")}
	}
	return nil
}

func usesPercona(spec *dittofsv1alpha1.DittoServerSpec) bool {
	return spec.Percona != nil && spec.Percona.Enabled
}
