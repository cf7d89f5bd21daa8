// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

type dfsDatabase struct {
	Type   string     `json:"type"`
	SQLite *dfsSQLite `json:"sqlite,omitempty"`
}

type dfsSQLite struct {
	Path string `json:"path"`
}

// databaseConfig says postgres and no more for a database behind a Secret, the user's or Percona's: host, database, user and
// password come by the environment, which the loader reads before it checks that they are set.
func databaseConfig(server *v1alpha1.DittoServer) (dfsDatabase, *field.Error) {
	spec, at := server.Spec.Database, field.NewPath("spec", "database")
	if spec.PostgresSecretRef != nil || percona(server).Enabled {
		return dfsDatabase{Type: string(v1alpha1.DatabasePostgres)}, nil
	}
	if spec.Type != v1alpha1.DatabaseSQLite {
		return dfsDatabase{}, field.Required(at.Child("postgresSecretRef"), "must name a Secret when type is postgres")
	}
	sqlite := spec.SQLite.Path
	if volumeOf(server, sqlite) == nil {
		// On the container's own disk the database would be an empty one at every start.
		return dfsDatabase{}, field.Invalid(sqlitePath, sqlite, "must be a file on a volume: "+volumeList(claims(server)))
	}
	return dfsDatabase{Type: string(v1alpha1.DatabaseSQLite), SQLite: &dfsSQLite{Path: sqlite}}, nil
}
