// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package orphans

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	"k8s.io/component-base/metrics/testutil"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func newFinder(t *testing.T, stored, cached []client.Object, observing bool) (*Finder, *events.FakeRecorder) {
	t.Helper()
	RegisterMetrics() // before that they count nothing
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, dittofsv1alpha1.Install} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	recorder := events.NewFakeRecorder(10)
	api := fake.NewClientBuilder().WithScheme(scheme).WithObjects(stored...).Build()
	count.Set(0)
	return &Finder{
		Servers:     fake.NewClientBuilder().WithScheme(scheme).WithObjects(cached...).Build(),
		LiveServers: api, Host: api, Events: recorder,
		ObserveOnly: func() (bool, string) { return observing, "test" },
	}, recorder
}

func set(labels map[string]string) *appsv1.StatefulSet {
	return &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "files", UID: "1", Labels: labels}}
}

func TestAFileServerWithoutItsDittoServerIsTold(t *testing.T) {
	ours := map[string]string{dittofsv1alpha1.LabelManagedBy: dittofsv1alpha1.ManagedBy, dittofsv1alpha1.LabelServer: "files"}
	server := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "files"}}
	tests := []struct {
		name           string
		stored, cached []client.Object
		observing      bool
		orphans        float64
		told           bool
	}{
		{name: "no DittoServer", stored: []client.Object{set(ours)}, orphans: 1, told: true},
		{name: "none, in a store that is only observed", stored: []client.Object{set(ours)}, observing: true, orphans: 1},
		{name: "a DittoServer", stored: []client.Object{set(ours), server}, cached: []client.Object{server}},
		{name: "one that the cache does not show yet", stored: []client.Object{set(ours), server}},
		{name: "a StatefulSet of somebody else", stored: []client.Object{set(nil)}},
		{name: "no StatefulSet"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			f, recorder := newFinder(t, tc.stored, tc.cached, tc.observing)
			request := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "ns", Name: "files"}}
			for range 2 { // it is told once
				if _, err := f.Reconcile(t.Context(), request); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := testutil.GetGaugeMetricValue(count); err != nil || got != tc.orphans {
				t.Errorf("the metric is %g (%v), want %g", got, err, tc.orphans)
			}
			close(recorder.Events)
			var told []string
			for event := range recorder.Events {
				told = append(told, event)
			}
			if want := map[bool]int{true: 1}[tc.told]; len(told) != want || want == 1 && !strings.Contains(told[0], Reason) {
				t.Errorf("the events are %q", told)
			}
		})
	}
}

func TestAnOrphanThatIsAdoptedIsNotCountedAnyMore(t *testing.T) {
	f, _ := newFinder(t, []client.Object{set(map[string]string{dittofsv1alpha1.LabelManagedBy: dittofsv1alpha1.ManagedBy, dittofsv1alpha1.LabelServer: "files"})}, nil, false)
	request := reconcile.Request{NamespacedName: types.NamespacedName{Namespace: "ns", Name: "files"}}
	for _, want := range []float64{1, 0} {
		if _, err := f.Reconcile(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		if got, err := testutil.GetGaugeMetricValue(count); err != nil || got != want {
			t.Errorf("the metric is %g (%v), want %g", got, err, want)
		}
		server := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "files"}}
		if err := f.LiveServers.(client.Client).Create(t.Context(), server); client.IgnoreAlreadyExists(err) != nil {
			t.Fatal(err)
		}
	}
}
