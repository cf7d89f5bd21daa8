// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// DatabaseType is the kind of database that dfs keeps its records in.
// +enum
// +k8s:enum
type DatabaseType string

const (
	// DatabaseSQLite is a file on the control-plane volume.
	DatabaseSQLite DatabaseType = "sqlite"
	// DatabasePostgres is a PostgreSQL server that postgresSecretRef leads to.
	DatabasePostgres DatabaseType = "postgres"
)

// DatabaseSpec chooses the database of dfs. Once the server has been set up the
// database is part of its identity: type and path cannot be changed, unless the
// object carries the annotation dittofs.io/accept-empty-database.
type DatabaseSpec struct {
	// type is sqlite or postgres. Default: postgres when postgresSecretRef or
	// percona is set, else sqlite. Both win over this field.
	// +optional
	// +k8s:optional
	Type DatabaseType `json:"type,omitempty"`

	// sqlite sets up the SQLite database; it is not read with postgres.
	// +optional
	// +k8s:optional
	SQLite *SQLiteSpec `json:"sqlite,omitempty"`

	// postgresSecretRef names the Secret, in the namespace of the DittoServer,
	// with the keys host, database, user and password and, if wanted, port
	// (default 5432) and sslmode (disable, require, verify-ca or verify-full;
	// default disable). Its host, database and user must not change once the
	// server has been set up; the password may. It is not used with
	// percona.enabled.
	// +optional
	// +k8s:optional
	PostgresSecretRef *SecretReference `json:"postgresSecretRef,omitempty"`
}

// SQLiteSpec sets up the SQLite database.
type SQLiteSpec struct {
	// path is the database file in the pod, on the control-plane volume, of
	// letters, digits, dots, dashes and underscores.
	// Default /data/controlplane/controlplane.db.
	// +optional
	// +default="/data/controlplane/controlplane.db"
	// +k8s:optional
	// +k8s:maxLength=4096
	Path string `json:"path,omitempty"`
}

// SecretReference names a Secret in the namespace of the DittoServer.
type SecretReference struct {
	// name of the Secret.
	// +required
	// +k8s:required
	// +k8s:format=k8s-long-name
	Name string `json:"name"`

	// key is accepted, so that manifests of the DittoFS operator apply
	// unchanged, and not read: the keys of this Secret are fixed.
	// +optional
	// +k8s:optional
	Key string `json:"key,omitempty"`

	// optional is accepted for the same reason and must be false: a server does
	// not start without what it needs.
	// +optional
	// +k8s:optional
	Optional *bool `json:"optional,omitempty"`
}

// SecretKeyReference names one key of a Secret in the namespace of the DittoServer.
type SecretKeyReference struct {
	// name of the Secret.
	// +required
	// +k8s:required
	// +k8s:format=k8s-long-name
	Name string `json:"name"`

	// key in the data of the Secret, at most 253 letters, digits, '-', '_' and '.'.
	// +required
	// +k8s:required
	// +k8s:maxLength=253
	Key string `json:"key"`

	// optional is accepted, so that manifests of the DittoFS operator apply
	// unchanged, and must be false: a server does not start without what it needs.
	// +optional
	// +k8s:optional
	Optional *bool `json:"optional,omitempty"`
}

// LocalSecretReference names a Secret, all of it, in the namespace of the DittoServer.
type LocalSecretReference struct {
	// name of the Secret.
	// +required
	// +k8s:required
	// +k8s:format=k8s-long-name
	Name string `json:"name"`
}

// PostgresSecret is the Secret that leads to the database, nil if none does:
// Percona wins over database.postgresSecretRef.
func (s *DittoServerSpec) PostgresSecret() *SecretReference {
	if s.Percona != nil && s.Percona.Enabled {
		return nil
	}
	return s.Database.PostgresSecretRef
}
