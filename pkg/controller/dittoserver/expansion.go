// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// expansionPatience is how long a volume may grow before that counts as stuck.
const expansionPatience = 15 * time.Minute

// expansionFailure is what the cluster says of an expansion that it does not bring about, empty if it says nothing bad. The
// claim keeps its size and its volume: whoever uses it notices nothing.
func (vol volume) expansionFailure() string {
	growing := vol.growing()
	if growing == "" {
		return ""
	}
	var said []string
	for _, c := range vol.claim.Status.Conditions {
		failed := c.Type == corev1.PersistentVolumeClaimControllerResizeError || c.Type == corev1.PersistentVolumeClaimNodeResizeError
		if failed && c.Status == corev1.ConditionTrue && c.Message != "" {
			said = append(said, sentence(c.Message))
		}
	}
	switch vol.claim.Status.AllocatedResourceStatuses[corev1.ResourceStorage] {
	case corev1.PersistentVolumeClaimControllerResizeInfeasible:
		return fmt.Sprintf("The storage behind %s cannot provide that: %s Make room there, or look at the events of the claim.", growing, strings.Join(said, " "))
	case corev1.PersistentVolumeClaimNodeResizeInfeasible:
		return fmt.Sprintf("The node cannot grow the file system of %s: %s Look at the events of the claim and of the pod.", growing, strings.Join(said, " "))
	}
	if len(said) > 0 {
		return fmt.Sprintf("The expansion of %s fails: %s It is tried again by the cluster; the events of the claim say more.", growing, strings.Join(said, " "))
	}
	return ""
}

// expansionStep says what a volume that grows waits for.
func (vol volume) expansionStep() string {
	for _, c := range vol.claim.Status.Conditions {
		if c.Status == corev1.ConditionTrue && c.Type == corev1.PersistentVolumeClaimFileSystemResizePending {
			return "the volume has grown, the file system grows when the node gets to it while a pod has it mounted"
		}
	}
	switch vol.claim.Status.AllocatedResourceStatuses[corev1.ResourceStorage] {
	case corev1.PersistentVolumeClaimNodeResizePending, corev1.PersistentVolumeClaimNodeResizeInProgress:
		return "the volume has grown, the file system grows when the node gets to it while a pod has it mounted"
	case corev1.PersistentVolumeClaimControllerResizeInProgress:
		return "the storage is being asked for more"
	}
	return "waiting for the storage"
}

// expanding is the verdict on volumes that grow. The server works meanwhile, and with a failure too. recheck says when
// patience ends.
func (v view) expanding() (out verdict, found bool, recheck time.Duration) {
	growing := v.resizing()
	if growing == "" {
		return verdict{}, false, 0
	}
	var failures []string
	for _, vol := range v.volumes {
		if text := vol.expansionFailure(); text != "" {
			failures = append(failures, text)
		}
	}
	if len(failures) > 0 {
		return no(reasonExpansionFailed, "%s The server goes on with the volume as it is.", strings.Join(failures, " ")), true, 0
	}
	since, known := sinceOf(v.server.Status.Conditions, reasonResizingVolumes, reasonExpansionStuck)
	if !known {
		since = v.now
	}
	left := expansionPatience - v.now.Sub(since)
	switch {
	case v.stopped():
		// A file system grows with the next start: nobody is late.
		return no(reasonResizingVolumes, "Volumes are growing: %s.", growing), true, 0
	case left > 0:
		return no(reasonResizingVolumes, "Volumes are growing: %s.", growing), true, left
	}
	return no(reasonExpansionStuck, "Volumes are growing for longer than %s: %s. The server goes on with them as they are. "+
		"Does the StorageClass's provisioner run its resizer? The events of the claims say more.", expansionPatience, growing), true, 0
}
