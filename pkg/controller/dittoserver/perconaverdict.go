// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// perconaVerdicts adds what is known of the PerconaPGCluster to what dfs says of its database.
func (v view) perconaVerdicts(verdicts map[string]verdict) {
	if v.percona.cluster == "" || v.server.DeletionTimestamp != nil {
		return
	}
	database := verdicts[dittofsv1alpha1.ConditionDatabaseReady]
	problem, found := v.problemOf(dittofsv1alpha1.ConditionDatabaseReady)
	if v.percona.waits && !found {
		// Somebody was faster than our last write.
		problem, found = no(reasonPerconaClusterNotReady, "Waiting for %s %s.", perconaKind, v.percona.cluster), true
	}
	switch {
	case database.reason == reasonDatabaseIdentityChanged:
		// Nothing is worse.
	case found:
		database = problem
	case v.percona.noSchema != "" && verdicts[dittofsv1alpha1.ConditionAvailable].reason == reasonCrashLooping:
		database = no(reasonPerconaSchemaNotWritable, "dfs ends at its start, and %s", v.percona.noSchema)
	case database.reason == reasonDatabaseUnreached:
		database.message = fmt.Sprintf("dfs says that its database is %s. %s %s is %s.",
			v.dfs.Database, perconaKind, v.percona.cluster, stateWords(v.percona.state))
	case database.status == metav1.ConditionTrue && !v.percona.ready:
		database.message = fmt.Sprintf("%s %s %s is %s.", database.message, perconaKind, v.percona.cluster, stateWords(v.percona.state))
	}
	verdicts[dittofsv1alpha1.ConditionDatabaseReady] = database
	if v.percona.waits {
		v.waitingVerdicts(verdicts, problem)
	}
}

// waitingVerdicts says of the other conditions that the database comes first: to wait for it is progress, until it takes
// longer than it may.
func (v view) waitingVerdicts(verdicts map[string]verdict, problem verdict) {
	if v.configReady().status == metav1.ConditionTrue {
		verdicts[dittofsv1alpha1.ConditionConfigReady] = unknown(reasonWaitingForDatabase,
			"The Secrets that lead to the database are looked at when %s %s is ready.", perconaKind, v.percona.cluster)
	}
	if verdicts[dittofsv1alpha1.ConditionConfigReady].status == metav1.ConditionFalse {
		return
	}
	progressing := no(problem.reason, "%s", problem.message)
	if problem.reason == reasonPerconaClusterNotReady {
		progressing = yes(reasonWaitingForDatabase, "%s", problem.message)
	}
	verdicts[dittofsv1alpha1.ConditionProgressing] = progressing
}

// perconaStatus names the cluster before the database is on record. What is on record stays until the server has moved.
func (v view) perconaStatus(status *dittofsv1alpha1.DittoServerStatus) {
	if v.percona.cluster == "" || status.Database != nil && status.Database.Identity != "" {
		return
	}
	status.Database = &dittofsv1alpha1.DatabaseStatus{Kind: kindPercona, Cluster: v.percona.cluster}
	status.PerconaClusterName = v.percona.cluster
}
