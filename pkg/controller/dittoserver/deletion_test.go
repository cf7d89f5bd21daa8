// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

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

// keeping answers deletions of one kind with an error.
type keeping struct {
	client.Client
	kind string
	err  error
}

func (k keeping) Delete(ctx context.Context, obj client.Object, opts ...client.DeleteOption) error {
	if gvk, err := k.GroupVersionKindFor(obj); err == nil && gvk.Kind == k.kind {
		return k.err
	}
	return k.Client.Delete(ctx, obj, opts...)
}

func TestAPartThatCannotBeDeletedIsNamedAndTheServerStaysUntilItCan(t *testing.T) {
	denied := apierrors.NewForbidden(appsv1.Resource("statefulsets"), "files", errors.New("ValidatingAdmissionPolicy 'keep' denied request"))
	for _, tt := range []struct {
		name, kind string
		err        error
		change     func(*dittofsv1alpha1.DittoServer)
		reason     string
		says       []string
		fails      bool // the pass, so that the queue tries again soon
	}{
		{"a policy keeps the StatefulSet", "StatefulSet", denied, nil, reasonApplyRefused, []string{"StatefulSet files", "'keep' denied"}, false},
		{"a webhook for the StatefulSet does not answer", "StatefulSet", apierrors.NewInternalError(errors.New("failed calling webhook")), nil,
			reasonApplyFailed, []string{"StatefulSet files", "failed calling webhook"}, true},
		{"a policy keeps the ConfigMap", "ConfigMap", denied, nil, reasonApplyRefused, []string{"ConfigMap files-config", "'keep' denied"}, false},
		{"a policy keeps the Services", "Service", denied, nil, reasonApplyRefused, []string{"Service files-api", "Service files-adapter-nfs", "'keep' denied"}, false},
		{"a policy keeps the claims", "PersistentVolumeClaim", denied, func(s *dittofsv1alpha1.DittoServer) {
			s.Spec.DeletionPolicy.Volumes = dittofsv1alpha1.DeleteData
		}, reasonApplyRefused, []string{"PersistentVolumeClaim metadata-files-0", "'keep' denied"}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var changes []func(*dittofsv1alpha1.DittoServer)
			if tt.change != nil {
				changes = append(changes, tt.change)
			}
			f := newFixture(t, changes...)
			pod := f.up()
			f.deleteServer("")
			if tt.kind != "StatefulSet" {
				f.reconcile()
				f.do(f.admin.Delete(t.Context(), pod, client.GracePeriodSeconds(0)))
			}
			host := f.rec.Host
			f.rec.Host = keeping{host, tt.kind, tt.err}
			f.events.take()
			for range 2 { // the second time it is no news
				res, err := f.rec.Reconcile(t.Context(), reconcile.Request{NamespacedName: f.key})
				if (err != nil) != tt.fails || err == nil && res.RequeueAfter != refusedRetry {
					t.Errorf("the pass gave %+v, %v", res, err)
				}
			}
			f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, tt.reason, tt.says...)
			f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonDeleting)
			if phase := f.server().Status.Phase; phase != dittofsv1alpha1.PhaseDeleting {
				t.Errorf("phase is %s", phase)
			}
			said := slices.DeleteFunc(f.events.take(), func(e string) bool { return strings.HasPrefix(e, "Normal") })
			if len(said) != 1 || !hasPrefix(said, "Warning "+tt.reason) {
				t.Errorf("warnings were %q", said)
			}
			f.rec.Host = host
			f.reconcile()
			if tt.kind == "StatefulSet" {
				f.do(f.admin.Delete(t.Context(), pod, client.GracePeriodSeconds(0)))
				f.reconcile()
			}
			if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") {
				t.Error("the DittoServer is still there")
			}
		})
	}
}

func TestADeletedServerIsDeletingEvenIfTheClusterTellsNothing(t *testing.T) {
	f := newFixture(t)
	f.up()
	f.deleteServer("")
	f.rec.Live = silent{f.rec.Live}
	for range 2 {
		if _, err := f.rec.Reconcile(t.Context(), reconcile.Request{NamespacedName: f.key}); err == nil {
			t.Fatal("the pass has no error")
		}
		f.clock.Step(composure + time.Second)
	}
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionUnknown, reasonHostUnavailable)
	if phase := f.server().Status.Phase; phase != dittofsv1alpha1.PhaseDeleting {
		t.Errorf("phase is %s", phase)
	}
}

// silent answers no look at a StatefulSet.
type silent struct{ client.Reader }

func (s silent) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if _, ok := obj.(*appsv1.StatefulSet); ok {
		return errors.New("connection refused")
	}
	return s.Reader.Get(ctx, key, obj, opts...)
}
