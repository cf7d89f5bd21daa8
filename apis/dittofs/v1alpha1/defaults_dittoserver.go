// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
)

// DefaultControlPlaneSize is the size of the control-plane volume when none is given.
const DefaultControlPlaneSize = "1Gi"

func addDefaultingFuncs(scheme *runtime.Scheme) error {
	return RegisterDefaults(scheme)
}

// SetDefaults_StorageSpec sets the size of the volume that every server has.
// The sizes that a user must decide have no default.
func SetDefaults_StorageSpec(obj *StorageSpec) {
	if obj.ControlPlaneSize == nil {
		size := resource.MustParse(DefaultControlPlaneSize)
		obj.ControlPlaneSize = &size
	}
}

// SetDefaults_DatabaseSpec makes the choice visible that postgresSecretRef implies.
func SetDefaults_DatabaseSpec(obj *DatabaseSpec) {
	if obj.Type == "" {
		obj.Type = DatabaseSQLite
		if obj.PostgresSecretRef != nil {
			obj.Type = DatabasePostgres
		}
	}
	if obj.SQLite == nil && obj.PostgresSecretRef == nil && obj.Type == DatabaseSQLite {
		obj.SQLite = &SQLiteSpec{}
	}
}
