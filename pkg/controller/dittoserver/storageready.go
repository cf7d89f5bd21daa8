// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"strings"

	corev1 "k8s.io/api/core/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// storageReady says whether every claim is bound, is the one that the server was set up with, and is as large as asked for.
func (v view) storageReady() verdict {
	if v.server.DeletionTimestamp != nil {
		return unknown(reasonDeleting, "The server is being deleted.")
	}
	if other, found := v.volumeReplaced(); found {
		return other
	}
	if problem, found := v.problemOf(dittofsv1alpha1.ConditionStorageReady); found {
		return problem
	}
	if problem, found := v.problemOf(dittofsv1alpha1.ConditionReady); found {
		return unknown(problem.reason, "%s", problem.message)
	}
	if v.server.Spec.Storage.Ephemeral {
		return yes(reasonVolumesEphemeral, "The server has no claims: its data ends with the pod, as spec.storage.ephemeral asks.")
	}
	var missing []string
	for _, vol := range v.volumes {
		switch {
		case vol.claim == nil:
			missing = append(missing, vol.claimName)
		case vol.claim.Status.Phase == corev1.ClaimLost:
			return no(reasonVolumeLost, "The claim %s has lost its volume %s: bring the volume back.", vol.claimName, vol.claim.Spec.VolumeName)
		case vol.trouble != "":
			return no(vol.reason, "%s", vol.trouble)
		case vol.claim.Status.Phase != corev1.ClaimBound:
			return no(reasonVolumePending, "The claim %s is not bound yet.", vol.claimName)
		}
	}
	if len(missing) > 0 {
		if v.stopped() {
			return unknown(reasonStopped, "The server is stopped. These claims are made when it starts: %s.", strings.Join(missing, ", "))
		}
		return no(reasonVolumePending, "These claims do not exist yet: %s. The StatefulSet controller makes them with the pod.", strings.Join(missing, ", "))
	}
	if expanding, found, _ := v.expanding(); found {
		return expanding
	}
	if small, found := v.smallShares(); found {
		return small
	}
	return yes(reasonVolumesBound, "Every claim is bound and as large as the spec asks.")
}

// resizing says which volumes grow.
func (v view) resizing() string {
	var growing []string
	for _, vol := range v.volumes {
		if text := vol.growing(); text != "" {
			growing = append(growing, text)
		}
	}
	return strings.Join(growing, ", ")
}

// volumeStatuses is the list for the status. The UIDs on record stay while one of the claims is not the one that it was.
func (v view) volumeStatuses() []dittofsv1alpha1.VolumeStatus {
	_, replaced := v.volumeReplaced()
	var out []dittofsv1alpha1.VolumeStatus
	for _, vol := range v.volumes {
		out = append(out, vol.status(replaced, v.dataDeleted()))
	}
	return out
}
