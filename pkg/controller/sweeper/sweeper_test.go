// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package sweeper

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

type fixture struct {
	t         *testing.T
	own, host client.Client
	clock     *testclock.FakeClock
	observing bool
	s         *Sweeper
	deletes   int
}

// newFixture has one DittoServer of namespace UID "former", and a namespace with the given UID, if any.
func newFixture(t *testing.T, namespaceUID types.UID) *fixture {
	t.Helper()
	f := &fixture{t: t, clock: testclock.NewFakeClock(time.Now())}
	scheme := runtime.NewScheme()
	f.do(clientgoscheme.AddToScheme(scheme))
	f.do(dittofsv1alpha1.Install(scheme))
	f.own = fake.NewClientBuilder().WithScheme(scheme).
		WithObjects(&dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "files", UID: "server",
			Finalizers:  []string{dittofsv1alpha1.Finalizer},
			Annotations: map[string]string{dittofsv1alpha1.AnnotationNamespaceUID: "former"}}}).
		WithInterceptorFuncs(interceptor.Funcs{
			Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
				f.deletes++
				o := &client.DeleteOptions{}
				o.ApplyOptions(opts)
				if o.Preconditions == nil || o.Preconditions.UID == nil || o.Preconditions.ResourceVersion == nil {
					t.Error("the delete has no preconditions")
				}
				return c.Delete(ctx, obj)
			},
			SubResourceUpdate: func(ctx context.Context, c client.Client, subresource string, obj client.Object, _ ...client.SubResourceUpdateOption) error {
				if subresource != "finalize" {
					t.Errorf("the subresource %s was written", subresource)
				}
				return c.Update(ctx, obj)
			},
		}).Build()
	b := fake.NewClientBuilder().WithScheme(scheme)
	if namespaceUID != "" {
		b.WithObjects(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns", UID: namespaceUID}})
	}
	f.host = b.Build()
	f.s = &Sweeper{Cached: f.own, Host: f.host, Live: f.host, Servers: f.own, Grace: DefaultGrace, Clock: f.clock,
		ObserveOnly: func() (bool, string) { return f.observing, "test" }}
	return f
}

func (f *fixture) do(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) sweep() time.Duration {
	f.t.Helper()
	res, err := f.s.Reconcile(f.t.Context(), reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "ns", Name: "files"}})
	f.do(err)
	return res.RequeueAfter
}

func (f *fixture) gone() bool {
	f.t.Helper()
	err := f.own.Get(f.t.Context(), types.NamespacedName{Namespace: "ns", Name: "files"}, &dittofsv1alpha1.DittoServer{})
	f.do(client.IgnoreNotFound(err))
	return apierrors.IsNotFound(err)
}

func TestALeftOverIsRemovedAfterTheGrace(t *testing.T) {
	for name, uid := range map[string]types.UID{"the namespace is gone": "", "the namespace is another one": "new"} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, uid)
			if wait := f.sweep(); wait != DefaultGrace || f.gone() {
				t.Fatalf("the next look is in %s; gone: %t", wait, f.gone())
			}
			f.clock.Step(DefaultGrace - time.Second)
			if f.sweep(); f.gone() {
				t.Fatal("it went too early")
			}
			f.clock.Step(time.Second)
			if f.sweep(); !f.gone() || f.deletes != 1 {
				t.Errorf("gone: %t after %d deletes", f.gone(), f.deletes)
			}
		})
	}
}

func TestWhatIsAtHomeStays(t *testing.T) {
	f := newFixture(t, "former")
	if wait := f.sweep(); wait != 0 {
		t.Errorf("it comes back in %s", wait)
	}
	f.clock.Step(time.Hour)
	if f.sweep(); f.gone() {
		t.Error("it was removed")
	}
}

func TestANamespaceThatIsBackEndsTheGrace(t *testing.T) {
	f := newFixture(t, "")
	f.sweep()
	f.do(f.host.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns", UID: "former"}}))
	f.clock.Step(time.Hour)
	f.sweep()
	if f.gone() || len(f.s.found) != 0 {
		t.Error("it is not at home again")
	}
}

func TestWhileObservingNothingIsRemoved(t *testing.T) {
	f := newFixture(t, "")
	f.sweep()
	f.clock.Step(time.Hour)
	f.observing = true
	if wait := f.sweep(); wait == 0 || f.gone() {
		t.Errorf("the next look is in %s; gone: %t", wait, f.gone())
	}
}

func TestOneThatIsDeletedAlreadyIsOnlyFinalized(t *testing.T) {
	f := newFixture(t, "")
	server := &dittofsv1alpha1.DittoServer{}
	f.do(f.own.Get(t.Context(), types.NamespacedName{Namespace: "ns", Name: "files"}, server))
	uid, version := server.UID, server.ResourceVersion
	f.do(f.own.Delete(t.Context(), server, client.Preconditions{UID: &uid, ResourceVersion: &version}))
	f.deletes = 0
	f.sweep()
	f.clock.Step(time.Hour)
	if f.sweep(); !f.gone() || f.deletes != 0 {
		t.Errorf("gone: %t after %d deletes", f.gone(), f.deletes)
	}
}
