// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"regexp"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// waits are the reasons that mean that something is waited for. Their messages say since when: lastTransitionTime tells when
// the status of the condition changed, and a condition that was False already waits for something else by now.
var waits = map[string]bool{
	reasonVolumePending:          true,
	reasonResizingVolumes:        true,
	reasonExpansionStuck:         true,
	reasonWaitingForDatabase:     true,
	reasonPerconaClusterNotReady: true,
	reasonPerconaClusterTimeout:  true,
	reasonPerconaClusterDeleting: true,
	reasonPodMissing:             true,
	reasonPodStarting:            true,
	reasonPodTerminating:         true,
	reasonPodUnschedulable:       true,
	reasonWaitingForPod:          true,
	reasonCreating:               true,
	reasonRollingOut:             true,
	reasonRolloutPending:         true,
	reasonRestartPending:         true,
	reasonStopping:               true,
	reasonAskingDFS:              true,
	reasonSnapshotPolicyPending:  true,
	reasonKindTerminating:        true,
}

// sinceSuffix is how a message says it. The stored message is the memory: a restarted controller goes on counting.
var sinceSuffix = regexp.MustCompile(` Since (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\.$`)

// withoutSince is a message as it was before it said since when.
func withoutSince(message string) string { return sinceSuffix.ReplaceAllString(message, "") }

// withSince adds to a verdict that waits since when it does.
func (v view) withSince(condition string, now verdict) verdict {
	now.message = withoutSince(now.message)
	deleting := condition == dittofsv1alpha1.ConditionProgressing && now.reason == reasonDeleting
	if !waits[now.reason] && !deleting {
		return now
	}
	now.message = sentence(now.message)
	since := v.now
	reasons := []string{now.reason}
	if now.reason == reasonExpansionStuck {
		reasons = append(reasons, reasonResizingVolumes)
	}
	if known, found := sinceOf(v.server.Status.Conditions, reasons...); found {
		since = known
	}
	if deleting {
		// One reason for several things, one after the other.
		since = v.now
		for _, c := range v.server.Status.Conditions {
			if c.Type == condition && withoutSince(c.Message) == now.message {
				since, _ = sinceIn(c.Message, since)
			}
		}
	}
	now.message += " Since " + since.UTC().Format(time.RFC3339) + "."
	return now
}

// sinceOf is since when something is waited for, by the stored conditions: whichever of them began with it.
func sinceOf(conditions []metav1.Condition, reasons ...string) (since time.Time, found bool) {
	for _, c := range conditions {
		for _, reason := range reasons {
			if at, ok := sinceIn(c.Message, time.Time{}); ok && c.Reason == reason && (!found || at.Before(since)) {
				since, found = at, true
			}
		}
	}
	return since, found
}

func sinceIn(message string, otherwise time.Time) (time.Time, bool) {
	match := sinceSuffix.FindStringSubmatch(message)
	if match == nil {
		return otherwise, false
	}
	at, err := time.Parse(time.RFC3339, match[1])
	if err != nil {
		return otherwise, false
	}
	return at, true
}
