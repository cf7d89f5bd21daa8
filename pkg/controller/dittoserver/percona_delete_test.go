// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestDeleteKeepsTheDatabaseUnlessAskedOtherwise(t *testing.T) {
	f := newPercona(t)
	f.serves()
	before := f.live().GetResourceVersion()
	f.deleteServer("")
	f.letPodGo()
	if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") || f.missing() || f.live().GetResourceVersion() != before {
		t.Error("the database was touched")
	}
	// The same manifest finds it again.
	uid := f.live().GetUID()
	namespace := &corev1.Namespace{}
	f.do(f.admin.Get(t.Context(), client.ObjectKey{Name: f.key.Namespace}, namespace))
	f.createServer(string(namespace.UID), onPercona)
	f.reconcile()
	if f.live().GetUID() != uid || f.live().GetLabels()[dittofsv1alpha1.LabelServerUID] != string(f.server().UID) {
		t.Error("it was not found again")
	}
}

func TestDeleteTakesTheDatabaseAlongWhenAsked(t *testing.T) {
	f := newPercona(t, func(s *dittofsv1alpha1.DittoServer) { s.Spec.DeletionPolicy.Database = dittofsv1alpha1.DeleteData })
	f.serves()
	f.deleteServer("")
	f.reconcile()
	if f.live().GetDeletionTimestamp() != nil {
		t.Fatal("the database goes before the pod")
	}
	f.letPodGo()
	live := f.live()
	if live.GetDeletionTimestamp() == nil || len(live.GetFinalizers()) != 1 || live.GetFinalizers()[0] != "percona.com/delete-pvc" {
		t.Errorf("deleted at %v, with the finalizers %v", live.GetDeletionTimestamp(), live.GetFinalizers())
	}
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionTrue, reasonDeleting, "PerconaPGCluster files-postgres", "Retain")
	f.host.take()
	f.reconcile()
	if writes := f.host.take(); len(writes) > 0 {
		t.Errorf("waiting wrote %q", writes)
	}
	live.SetFinalizers(nil) // the operator is done
	f.do(f.admin.Update(t.Context(), live))
	f.reconcile()
	if !f.missing() || !f.gone(&dittofsv1alpha1.DittoServer{}, "files") {
		t.Error("something is left")
	}
}

func TestDeleteDoesNotWaitForAKindThatIsGone(t *testing.T) {
	f := newPercona(t, func(s *dittofsv1alpha1.DittoServer) { s.Spec.DeletionPolicy.Database = dittofsv1alpha1.DeleteData })
	f.reconcile()
	f.rec.Live = withoutPercona{f.rec.Live}
	f.deleteServer("")
	f.reconcile()
	if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") {
		t.Error("it waits")
	}
}

func TestOrphanLeavesTheDatabaseWhateverThePolicy(t *testing.T) {
	f := newPercona(t, func(s *dittofsv1alpha1.DittoServer) { s.Spec.DeletionPolicy.Database = dittofsv1alpha1.DeleteData })
	f.serves()
	before := f.live().GetResourceVersion()
	f.deleteServer(metav1.DeletePropagationOrphan)
	f.reconcile()
	if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") || f.live().GetResourceVersion() != before {
		t.Error("the database was touched")
	}
}

// Our API refuses this combination; what is asked for twice and otherwise is kept.
func TestOurOwnClusterIsKeptOnceItIsNamedAsAnExistingOne(t *testing.T) {
	f := newPercona(t, func(s *dittofsv1alpha1.DittoServer) { s.Spec.DeletionPolicy.Database = dittofsv1alpha1.DeleteData })
	f.serves()
	f.edit(func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Percona.ExistingClusterRef = &dittofsv1alpha1.PerconaClusterReference{Name: f.cluster}
	})
	f.reconcile()
	f.deleteServer("")
	f.letPodGo()
	if f.live().GetDeletionTimestamp() != nil || !f.gone(&dittofsv1alpha1.DittoServer{}, "files") {
		t.Error("it was deleted")
	}
}

// A copy of ours that somebody else makes has its labels, and is not what we made.
func TestACopyOfOursIsNotDeleted(t *testing.T) {
	f := newPercona(t, func(s *dittofsv1alpha1.DittoServer) { s.Spec.DeletionPolicy.Database = dittofsv1alpha1.DeleteData })
	f.existing("files-postgres")
	live := f.live()
	live.SetLabels(map[string]string{dittofsv1alpha1.LabelManagedBy: dittofsv1alpha1.ManagedBy, dittofsv1alpha1.LabelServer: "files"})
	f.do(f.admin.Update(t.Context(), live))
	f.deleteServer("")
	f.reconcile()
	if f.missing() || !f.gone(&dittofsv1alpha1.DittoServer{}, "files") {
		t.Error("it was deleted")
	}
}

// letPodGo ends the pod of a server that is being deleted, as the garbage collector and the kubelet do.
func (f percona) letPodGo() {
	f.t.Helper()
	f.reconcile()
	if !f.gone(&appsv1.StatefulSet{}, "files") {
		f.t.Fatal("the StatefulSet is still there")
	}
	if pod := (&corev1.Pod{}); !f.gone(pod, "files-0") {
		f.do(f.admin.Delete(f.t.Context(), pod, client.GracePeriodSeconds(0)))
	}
	f.reconcile()
}
