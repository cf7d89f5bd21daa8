// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// patience is how long a silent API of a ready pod leaves the verdicts as they were.
const patience = 60 * time.Second

// dfsConditions are those that only a running dfs process can answer.
var dfsConditions = []string{
	dittofsv1alpha1.ConditionDatabaseReady,
	dittofsv1alpha1.ConditionAuthenticated,
	dittofsv1alpha1.ConditionAdaptersReady,
}

// dfsVerdicts adds the verdicts about dfs itself. recheck says when patience ends.
func (v view) dfsVerdicts(verdicts map[string]verdict) (recheck time.Duration) {
	all := func(u verdict) time.Duration {
		for _, t := range dfsConditions {
			verdicts[t] = u
		}
		return 0
	}
	switch {
	case v.server.DeletionTimestamp != nil:
		return all(unknown(reasonDeleting, "The server is being deleted."))
	case v.stopped():
		return all(unknown(reasonStopped, "The server is stopped."))
	case v.pod == nil || podReadySince(v.pod) == nil:
		if v.dfs != nil && v.dfs.Reached {
			all(unknown(reasonAskingDFS, "Known when the pod is ready."))
			verdicts[dittofsv1alpha1.ConditionDatabaseReady] = v.databaseReady()
			return 0
		}
		return all(unknown(reasonAskingDFS, "Known when the pod is ready."))
	case !v.probing:
		return all(unknown(reasonDFSProbeOff, "The controller dfs-probe is switched off, so that nobody asks dfs."))
	case v.dfs == nil:
		if v.carry(verdicts) {
			return 0
		}
		return all(unknown(reasonAskingDFS, "The pod is ready and its API is being asked."))
	}
	if since := v.dfs.FailingSince; !since.IsZero() {
		if left := patience - v.now.Sub(since); left > 0 {
			recheck = left
		} else {
			return all(v.unreachable())
		}
	}
	if !v.dfs.Reached {
		all(unknown(reasonAskingDFS, "The pod is ready and its API is being asked: %s.", v.dfs.Failure))
		return recheck
	}
	verdicts[dittofsv1alpha1.ConditionDatabaseReady] = v.databaseReady()
	verdicts[dittofsv1alpha1.ConditionAuthenticated] = v.authenticated()
	verdicts[dittofsv1alpha1.ConditionAdaptersReady] = v.adaptersReady()
	return recheck
}

// carry keeps the verdicts of the stored status while nothing newer is known, as after a restart of the controller. It
// does so only if the pod has been ready ever since they were given: nothing says that another pod is as well.
func (v view) carry(verdicts map[string]verdict) bool {
	available := meta.FindStatusCondition(v.server.Status.Conditions, dittofsv1alpha1.ConditionAvailable)
	ready := podReadySince(v.pod)
	if available == nil || available.Status != metav1.ConditionTrue || ready == nil ||
		ready.LastTransitionTime.After(available.LastTransitionTime.Time) {
		return false
	}
	for _, t := range dfsConditions {
		c := meta.FindStatusCondition(v.server.Status.Conditions, t)
		if c == nil {
			return false
		}
		verdicts[t] = verdict{c.Status, c.Reason, c.Message}
	}
	return true
}

func (v view) unreachable() verdict {
	last := "has never answered"
	if !v.dfs.LastSuccess.IsZero() {
		last = "last answered at " + v.dfs.LastSuccess.UTC().Format(time.RFC3339)
	}
	return unknown(reasonDFSUnreachable,
		"The dfs API of pod %s %s: %s. Check that the controllers reach the pod network (NetworkPolicies), or set --dfs-url-template.",
		v.pod.Name, last, v.dfs.Failure)
}

func (v view) databaseReady() verdict {
	if other, found := v.databaseReplaced(); found {
		return other
	}
	if v.dfs.DatabaseReachable {
		return yes(reasonDatabaseReachable, "dfs reaches its database.")
	}
	advice := "the volume at /data/controlplane"
	if ref := v.server.Spec.PostgresSecret(); ref != nil {
		advice = fmt.Sprintf("the PostgreSQL server that Secret %s leads to", ref.Name)
	}
	return no(reasonDatabaseUnreached, "dfs says that its database is %s. Check %s.", v.dfs.Database, advice)
}

func (v view) authenticated() verdict {
	secret := render.JWTSecret(v.server)
	switch v.dfs.Token {
	case dfsprobe.TokenAccepted:
		return yes(reasonTokenAccepted, "dfs accepts tokens signed with Secret %s.", secret.Name)
	case dfsprobe.TokenRefused:
		return no(reasonJWTSecretMismatch,
			"dfs refuses tokens signed with key %q of Secret %s: it started with another value. Restart it with kubectl rollout restart statefulset %s.",
			secret.Key, secret.Name, render.StatefulSetName(v.server.Name))
	case dfsprobe.TokenRestartPending:
		return no(reasonRestartPending, "dfs still uses the JWT secret that it started with. The restart that brings the new one is pending.")
	case dfsprobe.TokenClockSkew:
		return no(reasonClockSkew, "dfs refuses our tokens, and its clock is ahead of ours by more than half a minute. Synchronise the clocks of the nodes.")
	case dfsprobe.TokenUnsigned:
		return no(reasonTokenUnsigned, "No token can be signed: %s.", v.dfs.TokenDetail)
	default:
		return unknown(reasonAskingDFS, "dfs has not been asked yet.")
	}
}

func (v view) adaptersReady() verdict {
	if !v.dfs.AdaptersKnown {
		return unknown(reasonAskingDFS, "The adapters are known once dfs accepts a token.")
	}
	enabled := v.dfs.EnabledAdapters()
	if len(enabled) == 0 {
		return yes(reasonNoAdapterEnabled, "No protocol adapter is enabled: the server serves no files. Enable one through the dfs API.")
	}
	var serving, bad []string
	for _, a := range enabled {
		if a.Serving {
			serving = append(serving, a.Type)
		} else {
			bad = append(bad, a.Type+": "+a.Detail)
		}
	}
	if len(bad) > 0 {
		return no(reasonAdapterNotServing, "Enabled adapters do not serve: %s. Is the port taken? The log of pod %s says more.", strings.Join(bad, "; "), v.pod.Name)
	}
	return yes(reasonAdaptersServing, "Every enabled adapter serves: %s.", strings.Join(serving, ", "))
}

// ready sums the conditions up. It is True only if nothing that the spec asks for is missing, and Unknown only if nobody
// can tell.
func (v view) ready(verdicts map[string]verdict) verdict {
	if v.server.DeletionTimestamp != nil {
		if v.server.Spec.DeletionPolicy.Volumes == dittofsv1alpha1.DeleteData {
			return no(reasonDeleting, "The server is being deleted, and its claims with it, as spec.deletionPolicy.volumes asks.")
		}
		return no(reasonDeleting, "The server is being deleted. Its claims and generated Secrets are kept.")
	}
	for _, t := range []string{dittofsv1alpha1.ConditionReady, conditionAdoption} {
		if problem, found := v.problemOf(t); found {
			return problem
		}
	}
	if config := verdicts[dittofsv1alpha1.ConditionConfigReady]; config.status == metav1.ConditionFalse {
		return config
	}
	storage := verdicts[dittofsv1alpha1.ConditionStorageReady]
	if storage.status == metav1.ConditionFalse && failed[storage.reason] {
		return storage
	}
	for _, t := range []string{
		dittofsv1alpha1.ConditionDatabaseReady, dittofsv1alpha1.ConditionAvailable, dittofsv1alpha1.ConditionProgressing, conditionExposure,
	} {
		if problem, found := v.problemOf(t); found {
			return problem
		}
	}
	if certificates := verdicts[dittofsv1alpha1.ConditionCertificatesValid]; certificates.status == metav1.ConditionFalse && !v.stopped() {
		// Before what follows from it: the probe, too, is refused or refuses then.
		return certificates
	}
	if available := verdicts[dittofsv1alpha1.ConditionAvailable]; v.stopped() || available.status != metav1.ConditionTrue {
		return no(available.reason, "%s", available.message)
	}
	// Volumes that grow do so while the server works.
	if storage.status == metav1.ConditionFalse && storage.reason != reasonResizingVolumes && storage.reason != reasonExpansionStuck {
		return storage
	}
	if v.rollingOut() {
		return no(reasonRollingOut, "%s", verdicts[dittofsv1alpha1.ConditionProgressing].message)
	}
	for _, status := range []metav1.ConditionStatus{metav1.ConditionFalse, metav1.ConditionUnknown} {
		for _, t := range dfsConditions {
			if verdicts[t].status != status {
				continue
			}
			if verdicts[t].reason == reasonAskingDFS {
				// Nothing has gone wrong yet: it is not ready, and that is known.
				return no(reasonAskingDFS, "%s", verdicts[t].message)
			}
			return verdicts[t]
		}
	}
	if trouble, found := v.settings(); found {
		return trouble
	}
	return yes(reasonServerReady, "The server runs, and everything that the spec asks for is in place.")
}

func (v view) phase(ready verdict) dittofsv1alpha1.DittoServerPhase {
	switch {
	case v.server.DeletionTimestamp != nil:
		return dittofsv1alpha1.PhaseDeleting
	case ready.status == metav1.ConditionTrue:
		return dittofsv1alpha1.PhaseRunning
	case failed[ready.reason]:
		return dittofsv1alpha1.PhaseFailed
	case ready.reason == reasonStopped:
		return dittofsv1alpha1.PhaseStopped
	default:
		return dittofsv1alpha1.PhasePending
	}
}

// ownPod says whether a pod is the one of our StatefulSet.
func ownPod(pod *corev1.Pod, set metav1.Object) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.UID == set.GetUID()
}
