// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
)

const (
	// DefaultControlPlaneSize is the size of the control-plane volume when none is given.
	DefaultControlPlaneSize = "1Gi"
	// DefaultPerconaStorageSize is the size of the volume of a PostgreSQL instance when none is given.
	DefaultPerconaStorageSize = "10Gi"
)

func addDefaultingFuncs(scheme *runtime.Scheme) error {
	if err := RegisterDefaults(scheme); err != nil {
		return err
	}
	// In place of the generated ones, of which the last that is added counts.
	scheme.AddTypeDefaultingFunc(&DittoServer{}, func(obj any) { defaultDecoded(obj.(*DittoServer)) })
	scheme.AddTypeDefaultingFunc(&DittoServerList{}, func(obj any) {
		for i := range obj.(*DittoServerList).Items {
			defaultDecoded(&obj.(*DittoServerList).Items[i])
		}
	})
	return nil
}

// SetDefaults_DittoServerSpec makes choices visible that one part of the spec
// implies for another. It runs before the defaults of the parts.
func SetDefaults_DittoServerSpec(obj *DittoServerSpec) {
	capQuantities(obj)
	percona := obj.Percona
	if percona != nil && percona.Enabled && obj.Database.Type == "" {
		obj.Database.Type = DatabasePostgres
	}
	if obj.DeletionPolicy.Database == "" {
		obj.DeletionPolicy.Database = RetainData
		if percona != nil && percona.DeleteWithServer {
			obj.DeletionPolicy.Database = DeleteData
		}
	}
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

// SetDefaults_PerconaSpec sizes a cluster that is to be made.
func SetDefaults_PerconaSpec(obj *PerconaSpec) {
	if !obj.Enabled || obj.ExistingClusterRef != nil {
		return
	}
	if obj.Replicas == nil {
		obj.Replicas = ptr.To[int32](1)
	}
	if obj.StorageSize == nil {
		size := resource.MustParse(DefaultPerconaStorageSize)
		obj.StorageSize = &size
	}
}
