// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// deleteServer deletes as our API does: with the propagation on record.
func (f *fixture) deleteServer(propagation metav1.DeletionPropagation) {
	f.t.Helper()
	server := f.server()
	if propagation != "" {
		server.Annotations[dittofsv1alpha1.AnnotationDeletionPropagation] = string(propagation)
		f.do(f.admin.Update(f.t.Context(), server))
	}
	f.do(f.admin.Delete(f.t.Context(), server))
}

// claim makes a claim as the StatefulSet controller and a provisioner do.
func (f *fixture) claim(volume, size string, class *string) *corev1.PersistentVolumeClaim {
	f.t.Helper()
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: f.key.Namespace, Name: render.ClaimName(volume, f.key.Name), Labels: render.SelectorLabels(f.key.Name),
		},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			StorageClassName: class,
			VolumeName:       "pv-" + volume,
			Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}},
		},
	}
	f.do(f.admin.Create(f.t.Context(), claim, client.FieldOwner("kube-controller-manager")))
	claim.Status.Phase = corev1.ClaimBound
	claim.Status.Capacity = claim.Spec.Resources.Requests
	f.do(f.admin.Status().Update(f.t.Context(), claim))
	return claim
}

func TestOrphanLeavesEverything(t *testing.T) {
	f := newFixture(t)
	f.up()
	f.host.take()
	f.deleteServer(metav1.DeletePropagationOrphan)
	f.reconcile()
	if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") {
		t.Error("the DittoServer is still there")
	}
	if writes := f.host.take(); len(writes) > 0 {
		t.Errorf("there were writes: %q", writes)
	}
}

func TestTeardownWaitsForThePodAndKeepsClaimsAndSecrets(t *testing.T) {
	for _, propagation := range []metav1.DeletionPropagation{"", metav1.DeletePropagationBackground, metav1.DeletePropagationForeground} {
		t.Run("propagation "+string(propagation), func(t *testing.T) {
			f := newFixture(t)
			pod := f.up()
			f.deleteServer(propagation)
			f.events.take()
			f.reconcile()
			if !f.gone(&appsv1.StatefulSet{}, "files") {
				t.Error("the StatefulSet is still there")
			}
			get(f, &corev1.ConfigMap{}, "files-config")
			f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionTrue, reasonDeleting, "files-0")
			f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonDeleting)
			if phase := f.server().Status.Phase; phase != dittofsv1alpha1.PhaseDeleting {
				t.Errorf("phase is %s", phase)
			}
			if !hasPrefix(f.events.take(), "Normal Deleting") {
				t.Error("there is no event")
			}
			f.own.take()
			f.reconcile()
			if writes := f.own.take(); len(writes) > 0 {
				t.Errorf("waiting wrote %q", writes)
			}

			f.do(f.admin.Delete(t.Context(), pod, client.GracePeriodSeconds(0)))
			f.reconcile()
			if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") || !f.gone(&corev1.ConfigMap{}, "files-config") ||
				!f.gone(&corev1.Service{}, "files-api") || !f.gone(&corev1.Service{}, "files-headless") {
				t.Error("something is left")
			}
			get(f, &corev1.Secret{}, "files-jwt-secret")
			get(f, &corev1.Secret{}, "files-admin-bootstrap-credentials")
			get(f, &corev1.PersistentVolumeClaim{}, "metadata-files-0")
		})
	}
}

func TestTeardownLeavesWhatIsNotOurs(t *testing.T) {
	f := newFixture(t)
	f.reconcile()
	f.do(f.admin.Delete(t.Context(), get(f, &corev1.Service{}, "files-api")))
	foreign := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: f.key.Namespace, Name: "files-api"},
		Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 1}}}}
	f.do(f.admin.Create(t.Context(), foreign))
	set := f.set()
	set.Labels = nil // taken over by somebody
	f.do(f.admin.Update(t.Context(), set))
	f.runPod()
	f.deleteServer("")
	f.reconcile()
	if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") || !f.gone(&corev1.ConfigMap{}, "files-config") {
		t.Error("ours is still there")
	}
	get(f, &corev1.Service{}, "files-api")
	get(f, &appsv1.StatefulSet{}, "files")
}

func TestRecreatedOverKeptVolumesItUsesTheKeptCredentials(t *testing.T) {
	f := newFixture(t)
	f.reconcile()
	jwt := get(f, &corev1.Secret{}, "files-jwt-secret")
	namespaceUID := f.server().Annotations[dittofsv1alpha1.AnnotationNamespaceUID]
	f.deleteServer("")
	f.reconcile()
	f.createServer(namespaceUID)
	f.up()
	if now := get(f, &corev1.Secret{}, "files-jwt-secret"); now.UID != jwt.UID || now.ResourceVersion != jwt.ResourceVersion {
		t.Error("the JWT Secret is another one")
	}
}

func TestInAnotherNamespaceOfTheNameNothingIsDone(t *testing.T) {
	f := newFixture(t)
	server := f.server()
	server.Annotations[dittofsv1alpha1.AnnotationNamespaceUID] = "of-a-former-tenant"
	f.do(f.admin.Update(t.Context(), server))
	f.reconcile()
	f.reconcile()
	if writes := f.host.take(); len(writes) > 0 {
		t.Errorf("there were writes: %q", writes)
	}
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonNamespaceReplaced, f.key.Namespace)
	// An event would be written into the namespace of the new tenant, who must not read of a former one.
	if events := f.events.take(); len(events) != 0 {
		t.Errorf("events were %q", events)
	}
	// Deleted there, it goes without a trace.
	f.deleteServer("")
	f.reconcile()
	if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") {
		t.Error("the DittoServer is still there")
	}
}

func TestWithoutAStampNothingIsDone(t *testing.T) {
	f := newFixture(t)
	server := f.server()
	server.Annotations = nil
	f.do(f.admin.Update(t.Context(), server))
	f.reconcile()
	if writes := f.host.take(); len(writes) > 0 {
		t.Errorf("there were writes: %q", writes)
	}
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonNamespaceUnknown)
}

func TestInATerminatingNamespaceNothingIsCreatedButTeardownWorks(t *testing.T) {
	f := newFixture(t)
	f.reconcile()
	f.host.take()
	// Nothing ends the namespace here: the plane has no namespace controller.
	f.do(f.admin.Delete(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: f.key.Namespace}}))
	f.do(f.admin.Delete(t.Context(), get(f, &corev1.ConfigMap{}, "files-config")))
	f.reconcile()
	if writes := f.host.take(); len(writes) > 0 {
		t.Errorf("there were writes: %q", writes)
	}
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonNamespaceTerminating)
	f.deleteServer("")
	f.reconcile()
	if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") || !f.gone(&appsv1.StatefulSet{}, "files") {
		t.Error("something is left")
	}
}
