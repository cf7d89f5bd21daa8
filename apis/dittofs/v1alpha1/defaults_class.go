// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import "k8s.io/apimachinery/pkg/api/resource"

// defaultDecoded sets the defaults of an object that was decoded. One out of the
// store gets all of them. One out of a request gets those that no class can set:
// the class comes first, and is known only later. CompleteDefaults sets the rest.
func defaultDecoded(server *DittoServer) {
	// The store alone has objects with a UID and without a resourceVersion.
	if server.UID != "" && server.ResourceVersion == "" {
		SetObjectDefaults_DittoServer(server)
		return
	}
	asked := server.Spec // of what is behind pointers, the defaults of percona alone matter
	var replicas *int32
	var storageSize *resource.Quantity
	if asked.Percona != nil {
		replicas, storageSize = asked.Percona.Replicas, asked.Percona.StorageSize
	}
	SetObjectDefaults_DittoServer(server)
	spec := &server.Spec
	spec.Image, spec.Rollout, spec.Database, spec.Logging = asked.Image, asked.Rollout, asked.Database, asked.Logging
	spec.Service.Type, spec.AdapterServices.Type = asked.Service.Type, asked.AdapterServices.Type
	spec.NetworkPolicy.Enabled = asked.NetworkPolicy.Enabled
	if spec.Percona != nil {
		spec.Percona.Replicas, spec.Percona.StorageSize = replicas, storageSize
	}
}

// CompleteDefaults sets the defaults of a request that are left. What an update
// leaves out of a server with a class stays as it was: the class filled it in at
// create, and may have changed since.
func CompleteDefaults(server, old *DittoServer) {
	if old != nil && server.Spec.ClassName == nil {
		server.Spec.ClassName = old.Spec.ClassName
	}
	if old != nil && old.Spec.HasClass() {
		keep(&server.Spec, &old.Spec)
	}
	SetObjectDefaults_DittoServer(server)
}

func keep(spec, old *DittoServerSpec) {
	if spec.Image == "" {
		spec.Image = old.Image
	}
	if spec.Rollout == "" {
		spec.Rollout = old.Rollout
	}
	if spec.Service.Type == "" {
		spec.Service.Type = old.Service.Type
	}
	if spec.AdapterServices.Type == "" {
		spec.AdapterServices.Type = old.AdapterServices.Type
	}
	if spec.NetworkPolicy.Enabled == nil {
		spec.NetworkPolicy.Enabled = old.NetworkPolicy.Enabled
	}
	if spec.Logging.Level == "" {
		spec.Logging.Level = old.Logging.Level
	}
	if spec.Logging.Format == "" {
		spec.Logging.Format = old.Logging.Format
	}
	if spec.Logging.Output == "" {
		spec.Logging.Output = old.Logging.Output
	}
	if !spec.ChoosesDatabase() {
		spec.Database = *old.Database.DeepCopy()
		if spec.Percona == nil {
			spec.Percona = old.Percona.DeepCopy()
		}
	}
	if spec.Percona != nil && old.Percona != nil {
		if spec.Percona.Replicas == nil {
			spec.Percona.Replicas = old.Percona.Replicas
		}
		if spec.Percona.StorageSize == nil {
			spec.Percona.StorageSize = old.Percona.StorageSize
		}
	}
}

// HasClass tells whether the server is of a class.
func (s *DittoServerSpec) HasClass() bool { return s.ClassName != nil && *s.ClassName != "" }

// ChoosesDatabase tells whether the spec says where dfs keeps its records.
func (s *DittoServerSpec) ChoosesDatabase() bool {
	return s.Database.Type != "" || s.Database.SQLite != nil || s.Database.PostgresSecretRef != nil || s.Percona != nil && s.Percona.Enabled
}

// SetDefaults_AllowedValues keeps "nothing" apart from "left out": a list that is not
// given allows nothing, and is stored as the empty one.
func SetDefaults_AllowedValues(obj *AllowedValues) {
	if obj.Allowed == nil {
		obj.Allowed = []string{}
	}
}

// SetDefaults_AllowedNetworks does the same.
func SetDefaults_AllowedNetworks(obj *AllowedNetworks) {
	if obj.Allowed == nil {
		obj.Allowed = []string{}
	}
}

// SetDefaults_DittoServerClassSpec keeps quantities comparable, as in a DittoServer.
func SetDefaults_DittoServerClassSpec(obj *DittoServerClassSpec) {
	capRequirements(obj.Defaults.Resources)
	if obj.Defaults.Database != nil && obj.Defaults.Database.Percona != nil {
		capQuantity(obj.Defaults.Database.Percona.StorageSize)
		capRequirements(obj.Defaults.Database.Percona.Resources)
	}
	storage := &obj.Limits.Storage
	for _, size := range []*resource.Quantity{storage.MaxVolumeSize, storage.MaxServerSize, storage.MaxNamespaceSize} {
		capQuantity(size)
	}
	capList(obj.Limits.Resources.Max)
}
