// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
)

// degraded says that something does not work that should: other than not Ready, which also covers what is on its way. It
// takes reason and message of the first condition that tells of it. recheck says when patience with the scheduler ends.
func (v view) degraded(verdicts map[string]verdict, ready verdict) (verdict, time.Duration) {
	if v.server.DeletionTimestamp != nil {
		return no(reasonDeleting, "The server is being deleted."), 0
	}
	for _, t := range []string{
		dittofsv1alpha1.ConditionConfigReady,
		dittofsv1alpha1.ConditionCertificatesValid,
		dittofsv1alpha1.ConditionStorageReady,
		dittofsv1alpha1.ConditionAvailable,
		dittofsv1alpha1.ConditionDatabaseReady,
		dittofsv1alpha1.ConditionAuthenticated,
		dittofsv1alpha1.ConditionAdaptersReady,
	} {
		if c := verdicts[t]; c.status != metav1.ConditionTrue && isWarning(c.reason) {
			return yes(c.reason, "%s", c.message), 0
		}
	}
	if ready.status != metav1.ConditionTrue && isWarning(ready.reason) {
		return yes(ready.reason, "%s", ready.message), 0
	}
	// For a moment every new pod is without a node, until its claims are bound.
	if c := verdicts[dittofsv1alpha1.ConditionAvailable]; c.reason == reasonPodUnschedulable {
		if left := patience - v.now.Sub(v.unschedulableSince()); left > 0 {
			return no(reasonNothingFailed, "Nothing is known to be broken."), left
		}
		return yes(c.reason, "%s", c.message), 0
	}
	_, trouble, found, later := v.balancerVerdict()
	if found {
		return trouble, later
	}
	return no(reasonNothingFailed, "Nothing is known to be broken."), later
}

func (v view) unschedulableSince() time.Time {
	for _, c := range v.pod.Status.Conditions {
		if c.Type == corev1.PodScheduled {
			return c.LastTransitionTime.Time
		}
	}
	return v.pod.CreationTimestamp.Time
}

// ofSettings are the reasons that settings gives.
var ofSettings = []string{reasonIdentityProviderNotApplied, reasonSnapshotPolicyRefused, reasonSnapshotPolicyPending}

// settings says what of the spec dfs has not taken over: identity providers and snapshot policies. Whoever makes the share
// that a policy waits for waits for Available, not for Ready.
func (v view) settings() (verdict, bool) {
	if v.dfs == nil {
		// Nothing newer is known, as after a restart of the controller.
		c := meta.FindStatusCondition(v.server.Status.Conditions, dittofsv1alpha1.ConditionReady)
		if c != nil && slices.Contains(ofSettings, c.Reason) {
			return verdict{c.Status, c.Reason, c.Message}, true
		}
		return verdict{}, false
	}
	var bad []string
	for provider, trouble := range v.dfs.Providers {
		if trouble != "" {
			bad = append(bad, provider+": "+sentence(trouble))
		}
	}
	if len(bad) > 0 {
		slices.Sort(bad)
		return no(reasonIdentityProviderNotApplied, "dfs does not have these identity providers as the spec asks: %s", strings.Join(bad, " ")), true
	}
	for _, policy := range v.dfs.Policies {
		if !policy.Applied && policy.Reason == dfsprobe.PolicyRefused {
			bad = append(bad, policy.Share+": "+sentence(policy.Message))
		}
	}
	if len(bad) > 0 {
		slices.Sort(bad)
		return no(reasonSnapshotPolicyRefused, "dfs refuses snapshot policies: %s", strings.Join(bad, " ")), true
	}
	for _, policy := range v.dfs.Policies {
		if !policy.Applied {
			bad = append(bad, policy.Share+": "+sentence(policy.Message))
		}
	}
	if len(bad) > 0 {
		slices.Sort(bad)
		return no(reasonSnapshotPolicyPending, "Snapshot policies wait: %s", strings.Join(bad, " ")), true
	}
	return verdict{}, false
}

// sentence ends a text as one.
func sentence(text string) string { return strings.TrimRight(text, ". ") + "." }

// policyStatuses are the results of the snapshot policies, as last seen.
func (v view) policyStatuses() []dittofsv1alpha1.SnapshotPolicyStatus {
	if v.dfs == nil || v.dfs.Policies == nil {
		return v.server.Status.DeepCopy().SnapshotPolicies
	}
	var out []dittofsv1alpha1.SnapshotPolicyStatus
	for _, policy := range v.dfs.Policies {
		status := dittofsv1alpha1.SnapshotPolicyStatus{
			Share: policy.Share, Applied: policy.Applied, Reason: policy.Reason, Message: policy.Message,
		}
		if policy.LastRun != nil {
			// The API keeps seconds: more of them would be news at every look.
			at := metav1.NewTime(policy.LastRun.UTC().Truncate(time.Second))
			status.LastRunTime = &at
		}
		out = append(out, status)
	}
	slices.SortFunc(out, func(a, b dittofsv1alpha1.SnapshotPolicyStatus) int { return strings.Compare(a.Share, b.Share) })
	return slices.CompactFunc(out, func(a, b dittofsv1alpha1.SnapshotPolicyStatus) bool { return a.Share == b.Share })
}
