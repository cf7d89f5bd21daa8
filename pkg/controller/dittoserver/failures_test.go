// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"errors"
	"net/http"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// refusing answers applies of StatefulSets with an error.
type refusing struct {
	client.Writer
	err error
}

func (r refusing) Apply(ctx context.Context, obj runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	if u, ok := obj.(interface{ GetKind() string }); ok && u.GetKind() == "StatefulSet" {
		return r.err
	}
	return r.Writer.Apply(ctx, obj, opts...)
}

func TestWhatTheAPISaysToAnApplyIsToldAndTriedAgain(t *testing.T) {
	tests := []struct {
		name   string
		err    error
		reason string
		phase  dittofsv1alpha1.DittoServerPhase
		fails  bool // the pass, so that the queue tries again soon
	}{
		{"a refusal needs a person", apierrors.NewForbidden(appsv1.Resource("statefulsets"), "files", errors.New("exceeded quota")), reasonApplyRefused, dittofsv1alpha1.PhaseFailed, false},
		{"a kind that is being deleted comes back or does not", apierrors.NewForbidden(appsv1.Resource("statefulsets"), "files",
			errors.New("create not allowed while custom resource definition is terminating")), reasonKindTerminating, dittofsv1alpha1.PhasePending, false},
		{"a broken webhook may recover", apierrors.NewInternalError(errors.New("failed calling webhook")), reasonApplyFailed, dittofsv1alpha1.PhasePending, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.rec.Applier.Writer = refusing{f.rec.Host, tt.err}
			res, err := f.rec.Reconcile(t.Context(), reconcile.Request{NamespacedName: f.key})
			if (err != nil) != tt.fails || err == nil && res.RequeueAfter == 0 {
				t.Errorf("the pass gave %+v, %v", res, err)
			}
			f.wantCondition(dittofsv1alpha1.ConditionAvailable, metav1.ConditionFalse, tt.reason, "files")
			f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, tt.reason)
			if phase := f.server().Status.Phase; phase != tt.phase {
				t.Errorf("phase is %s", phase)
			}
			f.rec.Applier.Writer = f.rec.Host
			f.up()
		})
	}
}

// lagging is a cache that shows the StatefulSet as it was.
type lagging struct {
	client.Client
	set *appsv1.StatefulSet
}

func (l *lagging) Get(ctx context.Context, key types.NamespacedName, obj client.Object, opts ...client.GetOption) error {
	if set, ok := obj.(*appsv1.StatefulSet); ok && l.set != nil {
		*set = *l.set.DeepCopy()
		return nil
	}
	return l.Client.Get(ctx, key, obj, opts...)
}

func TestACacheThatLagsDoesNotMakeTheStatusGoBack(t *testing.T) {
	f := newFixture(t)
	f.up()
	cache := &lagging{Client: f.rec.Host}
	f.rec.Host, f.rec.Applier.Cached = cache, cache
	cache.set = f.set()
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Image = "example.com/dfs:1" })
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonRollingOut)
	f.own.take()
	f.host.take()
	f.reconcile()
	if writes := append(f.own.take(), f.host.take()...); len(writes) > 0 {
		t.Errorf("there were writes: %q", writes)
	}
	cache.set = nil
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, reasonRollingOut)
}

func TestAnOldDittoServerInTheCacheIsNoError(t *testing.T) {
	f := newFixture(t)
	f.up()
	old := f.server()
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Labels = map[string]string{"a": "b"} })
	f.rec.Servers = &oldServer{f.rec.Servers, old}
	old.Spec.Image = "example.com/dfs:1"
	if res := f.reconcile(); res.RequeueAfter != soon {
		t.Errorf("the next look is in %s", res.RequeueAfter)
	}
}

type oldServer struct {
	client.Client
	server *dittofsv1alpha1.DittoServer
}

func (o *oldServer) Get(_ context.Context, _ types.NamespacedName, obj client.Object, _ ...client.GetOption) error {
	*obj.(*dittofsv1alpha1.DittoServer) = *o.server.DeepCopy()
	return nil
}

func TestAnObjectThatIsRestoredWithoutManagedFieldsIsTakenOver(t *testing.T) {
	f := newFixture(t)
	f.up()
	cm := get(f, &corev1.ConfigMap{}, "files-config")
	want := cm.Data["config.yaml"]
	f.do(f.admin.Delete(t.Context(), cm))
	f.do(f.admin.Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: cm.Namespace, Name: cm.Name, Labels: cm.Labels}, Data: map[string]string{"config.yaml": "old"},
	}, client.FieldOwner("velero")))
	f.reconcile()
	if got := get(f, &corev1.ConfigMap{}, "files-config").Data["config.yaml"]; got != want {
		t.Errorf("the configuration is %q", got)
	}
	f.host.take()
	f.reconcile()
	if writes := f.host.take(); len(writes) > 0 {
		t.Errorf("the next pass wrote %q", writes)
	}
}

func TestAPIMessage(t *testing.T) {
	err := apierrors.NewGenericServerResponse(http.StatusForbidden, "patch", corev1.Resource("services"), "x", "exceeded quota", 0, true)
	want := err.ErrStatus.Message
	for name, e := range map[string]error{"plain": err, "joined": errors.Join(err), "twice": partialError{errors.Join(err)}} {
		if got := apiMessage(e); got != want {
			t.Errorf("%s: got %q", name, got)
		}
	}
	if got := apiMessage(errors.New("no answer")); got != "no answer" {
		t.Errorf("got %q", got)
	}
}
