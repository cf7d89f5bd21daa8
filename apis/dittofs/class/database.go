// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package class

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// databaseOf is the kind of database that a spec leads to, and the field that decides it.
func databaseOf(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) (dittofsv1alpha1.DatabaseKind, *field.Path) {
	switch {
	case spec.Percona != nil && spec.Percona.Enabled:
		return dittofsv1alpha1.KindPercona, path.Child("percona", "enabled")
	case spec.Database.PostgresSecretRef != nil:
		return dittofsv1alpha1.KindPostgres, path.Child("database", "postgresSecretRef")
	case spec.Database.Type == dittofsv1alpha1.DatabasePostgres:
		return dittofsv1alpha1.KindPostgres, path.Child("database", "type")
	}
	return dittofsv1alpha1.KindSQLite, path.Child("database", "type")
}

func (f *finder) databases(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) {
	kind, at := databaseOf(spec, path)
	f.value(f.limits.Databases, at, string(kind))
}

func (f *finder) backup(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) {
	if spec.Percona == nil || spec.Percona.Backup == nil || spec.Percona.Backup.Endpoint == "" {
		return
	}
	f.value(f.limits.BackupEndpoints, path.Child("percona", "backup", "endpoint"), spec.Percona.Backup.Endpoint)
}
