// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/upstream"
)

func sameJSON(t *testing.T, a, b any) bool {
	t.Helper()
	var plain [2]any
	for i, v := range []any{a, b} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &plain[i]); err != nil {
			t.Fatal(err)
		}
	}
	return reflect.DeepEqual(plain[0], plain[1])
}

func TestAnOperatorThatComesBackIsNoticedAndNotFought(t *testing.T) {
	for _, when := range []string{"before the window", "after the window"} {
		t.Run(when, func(t *testing.T) {
			f := newInherited(t, upstream.Operator{}, adopting)
			f.waiting()
			if when == "after the window" {
				f.requestWindow()
				f.reconcile()
				f.edit(func(s *dittofsv1alpha1.DittoServer) { delete(s.Annotations, dittofsv1alpha1.AnnotationAdopt) })
			}
			f.do(f.operator.Reconcile(t.Context(), f.theirs))
			before := f.substance()
			f.host.take()
			for range 2 {
				f.reconcile()
			}
			if writes := f.host.take(); len(writes) > 0 {
				t.Errorf("it wrote %q", writes)
			}
			f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonAdoptionBlocked, "StatefulSet files", "Service files-api")
			f.wantSubstance(before)
			if when == "after the window" {
				return
			}
			f.letGo()
			before = f.substance()
			f.reconcile()
			f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonRolloutPending)
			f.wantSubstance(before)
			if p := f.set().Spec.UpdateStrategy.RollingUpdate; p == nil || *p.Partition != 1 {
				t.Error("the pod is not held")
			}
			if get(f.fixture, &corev1.Service{}, "files-api").Labels[dittofsv1alpha1.LabelServer] != "files" {
				t.Error("the Service is not ours again")
			}
		})
	}
}

// noStatefulSets lets no StatefulSet through.
type noStatefulSets struct {
	client.Writer
	on bool
}

func (w *noStatefulSets) Apply(ctx context.Context, obj runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	if named, ok := obj.(interface{ GetKind() string }); ok && named.GetKind() == "StatefulSet" && w.on {
		return apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "statefulsets"}, "files", nil)
	}
	return w.Writer.Apply(ctx, obj, opts...)
}

// Between taking the fields over and applying the new ones everything is ours: what is not sent along then is deleted.
func TestAWindowThatIsShutAgainLeavesTheServerAsItWas(t *testing.T) {
	f := newInherited(t, upstream.Operator{}, adopting)
	f.waiting()
	before := f.substance()
	f.rec.Applier.Writer = &noStatefulSets{Writer: f.rec.Applier.Writer, on: true}
	f.requestWindow()
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonApplyRefused, "StatefulSet files")
	if template := f.substance()["StatefulSet files"]; template != before["StatefulSet files"] {
		t.Errorf("the StatefulSet is\n%s\nand was\n%s", template, before["StatefulSet files"])
	}
	if f.substance()[" files-config"] != before[" files-config"] {
		t.Error("the configuration is ahead of the pod")
	}
	f.rec.Applier.Writer.(*noStatefulSets).on = false
	f.edit(func(s *dittofsv1alpha1.DittoServer) { delete(s.Annotations, dittofsv1alpha1.AnnotationRollout) })
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonRolloutPending)
	after := f.substance()
	for _, name := range []string{"StatefulSet files", " files-config"} {
		if after[name] != before[name] {
			t.Errorf("%s is now\n%s\nand was\n%s", name, after[name], before[name])
		}
	}
	f.requestWindow()
	f.reconcile()
	if f.container().Lifecycle.PreStop.Sleep == nil {
		t.Error("the window does not open any more")
	}
}

func TestAfterTheLossOfOurStoreAnAdoptedServerStillWaitsForItsWindow(t *testing.T) {
	f := newInherited(t, upstream.Operator{}, adopting)
	f.waiting()
	before := f.substance()
	server := f.server()
	server.Finalizers = nil
	f.do(f.admin.Update(t.Context(), server))
	f.do(f.admin.Delete(t.Context(), server))
	f.createServer(server.Annotations[dittofsv1alpha1.AnnotationNamespaceUID]) // without the annotation
	f.reconcile()
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonRolloutPending)
	f.wantSubstance(before)
}

func TestADeleteWhileTheOperatorHoldsTheObjectsLeavesThem(t *testing.T) {
	f := newInherited(t, upstream.Operator{}, adopting)
	f.reconcile()
	before := f.substance()
	f.deleteServer("")
	f.reconcile()
	if !f.gone(&dittofsv1alpha1.DittoServer{}, "files") {
		t.Error("it waits for something")
	}
	f.wantSubstance(before)
}

func TestCredentialsOfTheOperatorAreUsedAndNeverWritten(t *testing.T) {
	f := newInherited(t, upstream.Operator{}, adopting)
	f.waiting()
	secrets := map[string]string{}
	for _, name := range []string{"files-jwt-secret", "files-admin-bootstrap-credentials", "files-operator-credentials"} {
		secrets[name] = get(f.fixture, &corev1.Secret{}, name).ResourceVersion
	}
	f.requestWindow()
	f.reconcile()
	// A StatefulSet that is lost comes back with them.
	f.do(f.admin.Delete(t.Context(), f.set(), client.PropagationPolicy(metav1.DeletePropagationOrphan)))
	f.reconcile()
	if f.gone(&appsv1.StatefulSet{}, "files") {
		t.Error("it does not come back")
	}
	for name, version := range secrets {
		if get(f.fixture, &corev1.Secret{}, name).ResourceVersion != version {
			t.Errorf("Secret %s was written", name)
		}
	}
}
