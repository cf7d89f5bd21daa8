// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// fenceMemory holds why nothing may be written to a dfs, empty if something may. A server that is not in it has not been
// looked at yet.
type fenceMemory struct{ table[string] }

// WritesAllowed says whether the probe may change anything in a dfs, and why not. It answers from memory: what the last
// pass over the server found.
func (r *Reconciler) WritesAllowed(server types.NamespacedName) (bool, string) {
	why, known := r.fences.get(server)
	if !known {
		return false, "the server has not been looked at yet"
	}
	return why == "", why
}

// fence says why dfs must not be written to: while it may run on a database or a volume that is not its own, everything
// that is written could hide what was there.
func (v view) fence() string {
	if v.server.DeletionTimestamp != nil {
		return "the server is being deleted"
	}
	if v.adopting {
		return "the server is being adopted, and nothing is written to it before its window is opened"
	}
	if other, found := v.databaseReplaced(); found {
		return other.message
	}
	if other, found := v.volumeReplaced(); found {
		return other.message
	}
	return ""
}

// databaseReplaced says that the running dfs has another database than the one on record.
func (v view) databaseReplaced() (verdict, bool) {
	known := v.server.Status.MachineSID
	if v.dfs == nil || known == "" || v.dfs.MachineSID == "" || v.dfs.MachineSID == known || accepted(v.server) || v.server.Spec.Storage.Ephemeral {
		return verdict{}, false
	}
	return no(reasonDatabaseIdentityChanged,
		"dfs runs on another database (machine SID %s) than this server was set up with (%s): its shares and users are not there. "+
			"Nothing is written to it. Bring the old database or volume back, or set the annotation %s to take the new one.",
		v.dfs.MachineSID, known, dittofsv1alpha1.AnnotationAcceptEmptyDatabase), true
}

// volumeReplaced says that a claim is another one than that on record.
func (v view) volumeReplaced() (verdict, bool) {
	if accepted(v.server) {
		return verdict{}, false
	}
	for _, vol := range v.volumes {
		if vol.claim != nil && vol.recorded != "" && vol.recorded != string(vol.claim.UID) {
			return no(reasonVolumeReplaced,
				"The claim %s was deleted and made anew (UID %s, it was %s): the volume is not the one that this server was set up with, and most likely empty. "+
					"Nothing is written to dfs. Restore the data, and set the annotation %s to go on with this volume.",
				vol.claimName, vol.claim.UID, vol.recorded, dittofsv1alpha1.AnnotationAcceptEmptyDatabase), true
		}
	}
	return verdict{}, false
}

// identityStatus records what the server is known by, once. It is recorded anew for a user who accepts another database,
// and for a server whose data ends with its pod.
func (v view) identityStatus(status *dittofsv1alpha1.DittoServerStatus) {
	if v.identity.text != "" {
		ready := status.Database != nil && status.Database.Ready
		status.Database = &dittofsv1alpha1.DatabaseStatus{
			Kind: v.identity.kind, Cluster: v.identity.cluster, Identity: v.identity.text, Ready: ready,
		}
		status.PerconaClusterName = v.identity.cluster
	}
	if v.otherDatabase || v.dataDeleted() && status.Database != nil && status.Database.Kind == kindSQLite {
		status.MachineSID = ""
	}
	// A pod of an older template is about to go, perhaps to another database.
	if v.dfs == nil || v.dfs.MachineSID == "" || v.stalePod() {
		return
	}
	if status.MachineSID == "" || accepted(v.server) || v.server.Spec.Storage.Ephemeral {
		status.MachineSID = v.dfs.MachineSID
	}
}

// stalePod says that the pod is not of the template that the StatefulSet has now.
func (v view) stalePod() bool {
	const hash = dittofsv1alpha1.AnnotationConfigHash
	return v.pod == nil || v.set == nil || v.pod.Annotations[hash] != v.set.Spec.Template.Annotations[hash]
}

// dataDeleted says that the server was stopped and its claims were to go with that.
func (v view) dataDeleted() bool {
	return v.server.Spec.Storage.WhenScaled == dittofsv1alpha1.DeleteData && v.stopped() && v.set != nil && v.set.Status.Replicas == 0
}
