// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// refusingKind answers applies of one kind with an error, as often as it has some.
type refusingKind struct {
	client.Writer
	kind string
	errs []error
}

func (r *refusingKind) Apply(ctx context.Context, obj runtime.ApplyConfiguration, opts ...client.ApplyOption) error {
	if u, ok := obj.(interface{ GetKind() string }); ok && u.GetKind() == r.kind && len(r.errs) > 0 {
		err := r.errs[0]
		r.errs = r.errs[1:]
		return err
	}
	return r.Writer.Apply(ctx, obj, opts...)
}

func times(n int, err error) (list []error) {
	for range n {
		list = append(list, err)
	}
	return list
}

// U: a pod that is lost in between comes back with the configuration of its template.
func TestATemplateWaitsForAConfigurationThatIsRefused(t *testing.T) {
	forbidden := apierrors.NewForbidden(corev1.Resource("configmaps"), "files-config", errors.New("house rules"))
	conflict := apierrors.NewConflict(corev1.Resource("configmaps"), "files-config", errors.New("somebody was faster"))
	for _, tt := range []struct {
		name string
		err  error
	}{{"by a policy", forbidden}, {"by a conflict", conflict}} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.up()
			before := f.set().Spec.Template
			f.rec.Applier.Writer = &refusingKind{Writer: f.rec.Host, kind: "ConfigMap", errs: times(1, tt.err)}
			f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Logging.Level = dittofsv1alpha1.LogDebug })
			res := f.reconcile()
			if now := f.set().Spec.Template; now.Annotations[dittofsv1alpha1.AnnotationConfigHash] != before.Annotations[dittofsv1alpha1.AnnotationConfigHash] {
				t.Error("the template has the hash of a configuration that is not there")
			}
			if res.RequeueAfter == 0 {
				t.Error("nobody looks again")
			}
			f.reconcile()
			if now := f.set().Spec.Template; now.Annotations[dittofsv1alpha1.AnnotationConfigHash] == before.Annotations[dittofsv1alpha1.AnnotationConfigHash] {
				t.Error("the template stays behind")
			}
		})
	}
}

func TestConflictsAreToldOnlyIfTheyDoNotEnd(t *testing.T) {
	f := newFixture(t)
	f.up()
	conflict := apierrors.NewConflict(corev1.Resource("services"), "files-api", errors.New("no"))
	f.rec.Applier.Writer = &refusingKind{Writer: f.rec.Host, kind: "Service", errs: times(maxRaces+1, conflict)}
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Service.Annotations = map[string]string{"a": "b"} })
	before := f.server().ResourceVersion
	for range maxRaces {
		if res := f.reconcile(); res.RequeueAfter != soon {
			t.Errorf("the next look is in %s", res.RequeueAfter)
		}
		if now := f.server().ResourceVersion; now != before {
			t.Error("a conflict was reported at once")
		}
	}
	if _, err := f.rec.Reconcile(t.Context(), reconcile.Request{NamespacedName: f.key}); err == nil {
		t.Error("the pass did not fail")
	}
	f.wantCondition(dittofsv1alpha1.ConditionAvailable, metav1.ConditionFalse, reasonApplyFailed, "files-api")
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
}

// As the cache of a new leader may for a moment.
func TestAnOlderDittoServerInTheCacheTakesNothingBack(t *testing.T) {
	f := newFixture(t)
	f.up()
	old := f.server()
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Logging.Level, s.Generation = dittofsv1alpha1.LogDebug, 2 })
	f.reconcile()
	hash := f.set().Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash]

	// A process that knows nothing of the writes of the other one.
	successor := &Reconciler{Servers: &oldServer{f.rec.Servers, old}, Stored: f.rec.Servers, Host: f.rec.Host, Live: f.rec.Live,
		Applier: f.rec.Applier, Events: f.events, Observations: f.seen, Clock: f.clock, ObserveOnly: f.rec.ObserveOnly}
	f.host.take()
	res, err := successor.Reconcile(t.Context(), reconcile.Request{NamespacedName: f.key})
	if err != nil || res.RequeueAfter == 0 {
		t.Errorf("the pass gave %+v, %v", res, err)
	}
	if writes := f.host.take(); len(writes) > 0 {
		t.Errorf("there were writes: %q", writes)
	}
	// Once it is what our API has, as after a restore that was accepted, it is carried out.
	successor.Stored = successor.Servers
	if _, err := successor.Reconcile(t.Context(), reconcile.Request{NamespacedName: f.key}); err != nil && !apierrors.IsConflict(err) {
		t.Fatal(err)
	}
	if now := f.set().Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash]; now == hash {
		t.Error("the older spec was not carried out")
	}
}

// unanswered carries writes out and says that it does not know.
type unanswered struct {
	client.Client
	count int
}

func (u *unanswered) SubResource(name string) client.SubResourceClient {
	return unansweredPart{u.Client.SubResource(name), u}
}
func (u *unanswered) Status() client.SubResourceWriter { return u.SubResource("status") }

type unansweredPart struct {
	client.SubResourceClient
	u *unanswered
}

func (p unansweredPart) Update(ctx context.Context, obj client.Object, opts ...client.SubResourceUpdateOption) error {
	if err := p.SubResourceClient.Update(ctx, obj, opts...); err != nil || p.u.count == 0 {
		return err
	}
	p.u.count--
	return apierrors.NewTimeoutError("no answer in time", 1)
}

func TestAStatusWriteWhoseAnswerIsLostIsNotRepeatedWithOtherWords(t *testing.T) {
	f := newFixture(t)
	servers := &unanswered{f.rec.Servers, 1}
	f.rec.Servers = servers
	if _, err := f.rec.Reconcile(t.Context(), reconcile.Request{NamespacedName: f.key}); err == nil {
		t.Error("the pass did not fail")
	}
	f.up()
	for _, condition := range f.server().Status.Conditions {
		if condition.ObservedGeneration != f.server().Generation {
			t.Errorf("%s is of generation %d", condition.Type, condition.ObservedGeneration)
		}
	}
	f.own.take()
	f.host.take()
	f.reconcile()
	if writes := append(f.own.take(), f.host.take()...); len(writes) > 0 {
		t.Errorf("at rest there were writes: %q", writes)
	}
}

func TestADeletionWhoseLastAnswerIsLostEnds(t *testing.T) {
	f := newFixture(t)
	pod := f.up()
	f.do(f.admin.Delete(t.Context(), f.server()))
	f.reconcile()
	f.do(f.admin.Delete(t.Context(), pod, client.GracePeriodSeconds(0)))
	f.rec.Servers = &unanswered{f.rec.Servers, 1}
	if _, err := f.rec.Reconcile(t.Context(), reconcile.Request{NamespacedName: f.key}); err == nil {
		t.Error("the pass did not fail")
	}
	f.reconcile()
	if !f.gone(&dittofsv1alpha1.DittoServer{}, f.key.Name) {
		t.Error("it is still there")
	}
}

func TestTheFinalizerIsAddedOnceThoughTheAnswerIsLost(t *testing.T) {
	f := newFixture(t)
	f.edit(func(s *dittofsv1alpha1.DittoServer) { s.Finalizers = nil })
	f.rec.Servers = &unanswered{f.rec.Servers, 1}
	if _, err := f.rec.Reconcile(t.Context(), reconcile.Request{NamespacedName: f.key}); err == nil {
		t.Error("the pass did not fail")
	}
	f.up()
	if server := f.server(); len(server.Finalizers) != 1 || !controllerutil.ContainsFinalizer(server, dittofsv1alpha1.Finalizer) {
		t.Errorf("the finalizers are %v", server.Finalizers)
	}
}

// deaf cannot be asked for the StatefulSet and the JWT Secret.
type deaf struct {
	client.Reader
	err error
}

func (d *deaf) Get(ctx context.Context, key types.NamespacedName, obj client.Object, opts ...client.GetOption) error {
	if _, set := obj.(*appsv1.StatefulSet); (set || strings.HasSuffix(key.Name, "-jwt-secret")) && d.err != nil {
		return d.err
	}
	return d.Reader.Get(ctx, key, obj, opts...)
}

func TestALookUpThatFailsIsToldWhenItGoesOn(t *testing.T) {
	f := newFixture(t)
	live := &deaf{f.rec.Live, apierrors.NewInternalError(errors.New("etcdserver: leader changed"))}
	f.rec.Live = live
	pass := func() {
		t.Helper()
		if _, err := f.rec.Reconcile(t.Context(), reconcile.Request{NamespacedName: f.key}); err == nil {
			t.Error("the pass did not fail")
		}
	}
	pass()
	if conditions := f.server().Status.Conditions; len(conditions) != 0 {
		t.Errorf("one failure is told at once: %v", conditions)
	}
	f.clock.Step(composure + time.Second)
	pass()
	for _, kind := range []string{dittofsv1alpha1.ConditionReady, dittofsv1alpha1.ConditionProgressing} {
		f.wantCondition(kind, metav1.ConditionUnknown, reasonHostUnavailable, "StatefulSet files", "leader changed")
	}
	if phase := f.server().Status.Phase; phase != dittofsv1alpha1.PhasePending {
		t.Errorf("the phase is %s", phase)
	}
	f.own.take()
	f.clock.Step(time.Hour)
	pass()
	if writes := f.own.take(); len(writes) > 0 {
		t.Errorf("the same is written again: %q", writes)
	}
	live.err = nil
	f.up()

	// What is known of a server that runs is not unlearned.
	f.events.take()
	live.err = apierrors.NewInternalError(errors.New("etcdserver: leader changed"))
	f.rec.hashes.forget(f.key)
	pass()
	f.clock.Step(composure + time.Second)
	pass()
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionUnknown, reasonHostUnavailable)
	if c := meta.FindStatusCondition(f.server().Status.Conditions, dittofsv1alpha1.ConditionReady); c.Status != metav1.ConditionTrue {
		t.Errorf("Ready is %s: %s", c.Status, c.Message)
	}
	if events := f.events.take(); len(events) != 1 || !hasPrefix(events, "Warning HostUnavailable") {
		t.Errorf("the events are %q", events)
	}
	live.err = nil
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonUpToDate)
}
