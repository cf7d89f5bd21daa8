// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package class is what a DittoServerClass means for a DittoServer: the defaults
// that it fills in, the limits that a spec goes beyond, the fields that it
// reserves. It is pure: objects in, objects or violations out; it asks nobody.
package class

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// ApplyDefaults writes the defaults of a class into what the author of a server
// left out. An empty list or map that they wrote is no gap: they want none.
// Afterwards the fixed defaults are still to be set. Doing it again changes nothing.
func ApplyDefaults(spec *dittofsv1alpha1.DittoServerSpec, defaults *dittofsv1alpha1.ClassDefaults) {
	defaults = defaults.DeepCopy() // nothing of the class is shared with the server
	fill(&spec.Image, defaults.Image)
	fill(&spec.ImagePullPolicy, defaults.ImagePullPolicy)
	fill(&spec.Rollout, defaults.Rollout)
	fill(&spec.PriorityClassName, defaults.PriorityClassName)
	fill(&spec.Resources, defaults.Resources)
	fill(&spec.SecurityContext, defaults.SecurityContext)
	fill(&spec.PodSecurityContext, defaults.PodSecurityContext)
	fill(&spec.Affinity, defaults.Affinity)
	fillList(&spec.ImagePullSecrets, defaults.ImagePullSecrets)
	fillList(&spec.Tolerations, defaults.Tolerations)
	fillList(&spec.TopologySpreadConstraints, defaults.TopologySpreadConstraints)
	fillMap(&spec.NodeSelector, defaults.NodeSelector)
	fillMap(&spec.PodLabels, defaults.PodLabels)
	fillMap(&spec.PodAnnotations, defaults.PodAnnotations)
	if !spec.Storage.Ephemeral {
		fill(&spec.Storage.StorageClassName, defaults.StorageClassName)
	}
	applyDatabase(spec, defaults)
	// The types that a Service has if nobody says another.
	applyService(&spec.Service.Type, &spec.Service.ServiceExposure, defaults.Service, corev1.ServiceTypeClusterIP)
	applyService(&spec.AdapterServices.Type, &spec.AdapterServices.ServiceExposure, defaults.AdapterServices, corev1.ServiceTypeLoadBalancer)
	if policy := defaults.NetworkPolicy; policy != nil {
		fill(&spec.NetworkPolicy.Enabled, policy.Enabled)
		fillList(&spec.NetworkPolicy.APISources, policy.APISources)
		fillList(&spec.NetworkPolicy.AdapterSources, policy.AdapterSources)
		fillList(&spec.NetworkPolicy.MetricsSources, policy.MetricsSources)
	}
	if logging := defaults.Logging; logging != nil {
		fill(&spec.Logging.Level, logging.Level)
		fill(&spec.Logging.Format, logging.Format)
		fill(&spec.Logging.Output, logging.Output)
	}
}

func fill[T comparable](target *T, value T) {
	var zero T
	if *target == zero {
		*target = value
	}
}

func fillList[T any](target *[]T, value []T) {
	if *target == nil && len(value) > 0 {
		*target = value
	}
}

func fillMap(target *map[string]string, value map[string]string) {
	if len(value) == 0 || *target != nil && len(*target) == 0 {
		return
	}
	merged := value
	maps.Copy(merged, *target)
	*target = merged
}

func applyService(kind *corev1.ServiceType, exposure *dittofsv1alpha1.ServiceExposure, defaults *dittofsv1alpha1.ClassServiceDefaults, fixed corev1.ServiceType) {
	if defaults == nil {
		return
	}
	fill(kind, defaults.Type)
	fillMap(&exposure.Annotations, defaults.Annotations)
	fillMap(&exposure.Labels, defaults.Labels)
	becomes := *kind
	if becomes == "" {
		becomes = fixed
	}
	if becomes == corev1.ServiceTypeLoadBalancer {
		fill(&exposure.LoadBalancerClass, defaults.LoadBalancerClass)
		fillList(&exposure.LoadBalancerSourceRanges, defaults.LoadBalancerSourceRanges)
	}
	if becomes != corev1.ServiceTypeClusterIP {
		fill(&exposure.ExternalTrafficPolicy, defaults.ExternalTrafficPolicy)
	}
}

func applyDatabase(spec *dittofsv1alpha1.DittoServerSpec, defaults *dittofsv1alpha1.ClassDefaults) {
	database := defaults.Database
	if database != nil && !spec.ChoosesDatabase() {
		switch database.Kind {
		case dittofsv1alpha1.KindSQLite:
			spec.Database.Type = dittofsv1alpha1.DatabaseSQLite
		case dittofsv1alpha1.KindPostgres:
			spec.Database.Type = dittofsv1alpha1.DatabasePostgres
			spec.Database.PostgresSecretRef = &dittofsv1alpha1.SecretReference{Name: database.PostgresSecretName}
		case dittofsv1alpha1.KindPercona:
			if spec.Percona == nil {
				spec.Percona = &dittofsv1alpha1.PerconaSpec{}
			}
			spec.Percona.Enabled = true
		}
	}
	if !makesCluster(spec) {
		return
	}
	percona := spec.Percona
	if database != nil && database.Percona != nil {
		from := database.Percona
		fill(&percona.Replicas, from.Replicas)
		fill(&percona.StorageSize, from.StorageSize)
		fill(&percona.StorageClassName, from.StorageClassName)
		fill(&percona.Resources, from.Resources)
		fill(&percona.Images.Postgres, from.Images.Postgres)
		fill(&percona.Images.PgBouncer, from.Images.PgBouncer)
		fill(&percona.Images.PgBackRest, from.Images.PgBackRest)
		fill(&percona.Images.Init, from.Images.Init)
	}
	if percona.StorageClassName == nil && defaults.StorageClassName != nil {
		percona.StorageClassName = ptr.To(*defaults.StorageClassName)
	}
}

// makesCluster tells whether a PostgreSQL cluster is made for the server.
func makesCluster(spec *dittofsv1alpha1.DittoServerSpec) bool {
	return spec.Percona != nil && spec.Percona.Enabled && spec.Percona.ExistingClusterRef == nil
}
