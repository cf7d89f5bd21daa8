// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package quota

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	testclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

const (
	count   = "count/dittoservers.dittofs.io"
	storage = dittofsv1alpha1.QuotaStorage
)

var key = types.NamespacedName{Namespace: "ns", Name: "q"}

type fixture struct {
	t             *testing.T
	cached, store client.Client
	host          client.Client
	clock         *testclock.FakeClock
	observing     bool
	writes        int
	r             *Recounter
}

func newServer(name, size string) *dittofsv1alpha1.DittoServer {
	server := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}}
	server.Spec.Storage.MetadataSize = ptr.To(resource.MustParse(size))
	server.Spec.Storage.ControlPlaneSize = ptr.To(resource.MustParse("1Gi"))
	return server
}

func quotaOf(hard, used corev1.ResourceList) *corev1.ResourceQuota {
	return &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "q"},
		Spec:       corev1.ResourceQuotaSpec{Hard: hard},
		Status:     corev1.ResourceQuotaStatus{Hard: hard, Used: used},
	}
}

func amounts(pairs ...string) corev1.ResourceList {
	out := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		out[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return out
}

// newFixture has a quota, DittoServers that the cache and the store both know.
func newFixture(t *testing.T, quota *corev1.ResourceQuota, servers ...*dittofsv1alpha1.DittoServer) *fixture {
	t.Helper()
	f := &fixture{t: t, clock: testclock.NewFakeClock(time.Now())}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, dittofsv1alpha1.Install} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	objects := func() (out []client.Object) {
		for _, server := range servers {
			out = append(out, server.DeepCopy())
		}
		return out
	}
	f.cached = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects()...).Build()
	f.store = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects()...).Build()
	f.host = fake.NewClientBuilder().WithScheme(scheme).WithObjects(quota).WithStatusSubresource(quota).
		WithInterceptorFuncs(interceptor.Funcs{
			SubResourcePatch: func(ctx context.Context, c client.Client, subresource string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
				f.writes++
				return c.SubResource(subresource).Patch(ctx, obj, patch, opts...)
			},
		}).Build()
	f.r = &Recounter{Servers: f.cached, LiveServers: f.store, Host: f.host, Clock: f.clock,
		ObserveOnly: func() (bool, string) { return f.observing, "test" }}
	return f
}

func (f *fixture) reconcile() reconcile.Result {
	f.t.Helper()
	res, err := f.r.Reconcile(f.t.Context(), reconcile.Request{NamespacedName: key})
	if err != nil {
		f.t.Fatal(err)
	}
	return res
}

func (f *fixture) expectUsed(want corev1.ResourceList, writes int) {
	f.t.Helper()
	quota := &corev1.ResourceQuota{}
	if err := f.host.Get(f.t.Context(), key, quota); err != nil {
		f.t.Fatal(err)
	}
	if len(quota.Status.Used) != len(want) {
		f.t.Errorf("used %v, want %v", quota.Status.Used, want)
	}
	for name, amount := range want {
		if got, ok := quota.Status.Used[name]; !ok || got.Cmp(amount) != 0 {
			f.t.Errorf("%s: used %s, want %s", name, got.String(), amount.String())
		}
	}
	if f.writes != writes {
		f.t.Errorf("%d writes, want %d", f.writes, writes)
	}
}

func TestAQuotaThatNobodyHasCountedIsCountedAtOnce(t *testing.T) {
	f := newFixture(t, quotaOf(amounts(storage, "10Gi", "pods", "4"), amounts("pods", "2")), newServer("a", "1Gi"), newServer("b", "3Gi"))
	f.reconcile()
	f.expectUsed(amounts(storage, "6Gi", "pods", "2"), 1)
	f.reconcile()
	f.expectUsed(amounts(storage, "6Gi", "pods", "2"), 1)
}

func TestAnEmptyNamespaceIsCountedToo(t *testing.T) {
	f := newFixture(t, quotaOf(amounts(storage, "10Gi", count, "1"), nil))
	f.reconcile()
	f.expectUsed(amounts(storage, "0", count, "0"), 1)
}

func TestAFigureIsLoweredOnlyOnceTheQuotaHasBeenLeftAlone(t *testing.T) {
	f := newFixture(t, quotaOf(amounts(storage, "10Gi", count, "3"), amounts(storage, "6Gi", count, "2")), newServer("a", "1Gi"))
	if res := f.reconcile(); res.RequeueAfter != settle {
		t.Errorf("looks again after %s, want %s", res.RequeueAfter, settle)
	}
	f.expectUsed(amounts(storage, "6Gi", count, "2"), 0)

	// Somebody is charged in the meantime: the waiting begins anew.
	f.clock.Step(settle - time.Second)
	quota := &corev1.ResourceQuota{}
	if err := f.host.Get(t.Context(), key, quota); err != nil {
		t.Fatal(err)
	}
	quota.Status.Used = amounts(storage, "8Gi", count, "3")
	if err := f.host.Status().Update(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	f.clock.Step(settle - time.Second)
	f.reconcile()
	f.expectUsed(amounts(storage, "8Gi", count, "3"), 0)
	f.clock.Step(time.Second)
	f.reconcile()
	f.expectUsed(amounts(storage, "2Gi", count, "1"), 1)
}

func TestACacheThatIsBehindLowersNothing(t *testing.T) {
	f := newFixture(t, quotaOf(amounts(count, "3"), amounts(count, "2")), newServer("a", "1Gi"))
	if err := f.store.Create(t.Context(), newServer("b", "1Gi")); err != nil {
		t.Fatal(err)
	}
	f.reconcile()
	f.clock.Step(time.Minute)
	f.reconcile()
	f.expectUsed(amounts(count, "2"), 0)
}

func TestAFigureThatIsTooLowIsRaisedAtOnce(t *testing.T) {
	f := newFixture(t, quotaOf(amounts(storage, "10Gi"), amounts(storage, "1Gi")), newServer("a", "4Gi"))
	f.reconcile()
	f.expectUsed(amounts(storage, "5Gi"), 1)
}

func TestQuotasOfOtherThingsAreLeftAlone(t *testing.T) {
	f := newFixture(t, quotaOf(amounts("pods", "4"), nil), newServer("a", "4Gi"))
	f.reconcile()
	f.expectUsed(nil, 0)
}

func TestNothingIsWrittenWhileTheStoreIsOnlyObserved(t *testing.T) {
	f := newFixture(t, quotaOf(amounts(storage, "10Gi"), nil), newServer("a", "4Gi"))
	f.observing = true
	if res := f.reconcile(); res.RequeueAfter != observeRetry {
		t.Errorf("looks again after %s, want %s", res.RequeueAfter, observeRetry)
	}
	f.expectUsed(nil, 0)
}
