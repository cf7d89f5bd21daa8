// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package secretaccess

import (
	apiequality "k8s.io/apimachinery/pkg/api/equality"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// decidesWhatRuns tells whether a change decides what runs with the Secrets of
// the server, which Secrets those are, or where credentials go.
func decidesWhatRuns(spec, old *dittofsv1alpha1.DittoServerSpec) bool {
	return !apiequality.Semantic.DeepEqual(decisive(spec), decisive(old))
}

// decisive takes away what decides nothing of it. It is the list of these
// fields, not of the others, so that a field that is added to the API is asked
// about until somebody has thought about it.
func decisive(spec *dittofsv1alpha1.DittoServerSpec) *dittofsv1alpha1.DittoServerSpec {
	left := spec.DeepCopy()
	// Whether and when it runs.
	left.Paused, left.Rollout, left.Replicas = false, "", nil
	left.ShutdownTimeout, left.TerminationGracePeriodSeconds = "", nil
	// With how much, and on which nodes.
	left.Storage, left.DeletionPolicy = dittofsv1alpha1.StorageSpec{}, dittofsv1alpha1.DeletionPolicy{}
	left.Resources, left.PriorityClassName = nil, ""
	left.NodeSelector, left.Tolerations, left.Affinity, left.TopologySpreadConstraints = nil, nil, nil, nil
	left.ImagePullPolicy = ""
	left.SecurityContext, left.PodSecurityContext = nil, nil
	// Who reaches it from outside. An Ingress is another thing: it ends TLS.
	left.Service = dittofsv1alpha1.ServiceSpec{}
	left.AdapterDiscovery, left.AdapterServices = dittofsv1alpha1.AdapterDiscoverySpec{}, dittofsv1alpha1.AdapterServicesSpec{}
	left.NetworkPolicy = dittofsv1alpha1.NetworkPolicySpec{}
	left.ControlPlane.Port, left.ControlPlane.WriteTimeout = nil, ""
	left.ControlPlane.TLS, left.ControlPlane.TLSMinVersion = false, ""
	// What it logs, measures and keeps.
	left.Logging, left.SnapshotPolicies = dittofsv1alpha1.LoggingSpec{}, nil
	if left.Metrics != nil {
		left.Metrics = &dittofsv1alpha1.MetricsSpec{BearerTokenSecret: left.Metrics.BearerTokenSecret}
	}
	if percona := left.Percona; percona != nil {
		percona.Replicas, percona.StorageSize, percona.Resources = nil, nil, nil
		percona.ReadyTimeout, percona.DeleteWithServer = "", false
		if backup := percona.Backup; backup != nil {
			backup.FullSchedule, backup.IncrSchedule, backup.RetentionDays = "", "", nil
		}
	}
	return left
}
