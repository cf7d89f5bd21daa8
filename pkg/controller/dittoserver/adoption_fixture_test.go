// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
	"github.com/dittofs/dittofs-apiserver/test/upstream"
)

var installUpstream = sync.OnceValue(func() error {
	admin, err := client.New(plane.Config, client.Options{})
	if err != nil {
		return err
	}
	return upstream.Install(context.Background(), admin)
})

// inherited is a fixture whose server the DittoFS operator has set up. Its pod runs.
type inherited struct {
	*fixture
	operator upstream.Operator
	theirs   *unstructured.Unstructured
	live     *countingReader
	pod      *corev1.Pod
}

// countingReader counts what is asked of the API past the caches.
type countingReader struct {
	client.Reader
	asked int
}

func (r *countingReader) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	r.asked++
	return r.Reader.Get(ctx, key, obj, opts...)
}

func (r *countingReader) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	r.asked++
	return r.Reader.List(ctx, list, opts...)
}

func adopting(s *dittofsv1alpha1.DittoServer) {
	s.Annotations[dittofsv1alpha1.AnnotationAdopt] = "true"
}

func newInherited(t *testing.T, operator upstream.Operator, change ...func(*dittofsv1alpha1.DittoServer)) inherited {
	t.Helper()
	if err := installUpstream(); err != nil {
		t.Fatal(err)
	}
	f := inherited{fixture: newFixture(t, change...)}
	f.live = &countingReader{Reader: f.rec.Live}
	f.rec.Live, f.rec.Applier.Live = f.live, f.live
	operator.Client, operator.Namespace, operator.Name = f.admin, f.key.Namespace, f.key.Name
	f.operator = operator
	var err error
	f.theirs, err = operator.Create(t.Context())
	f.do(err)
	f.pod = f.runPod()
	return f
}

// letGo does what the garbage collector does for a delete that leaves the parts.
func (f inherited) letGo() {
	f.t.Helper()
	for _, obj := range f.objects() {
		f.release(obj)
	}
}

func (f inherited) release(obj client.Object) {
	f.t.Helper()
	f.do(f.admin.Patch(f.t.Context(), obj, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"ownerReferences":null}}`)),
		client.FieldOwner("kube-controller-manager")))
}

// objects are all that the operator has made.
func (f inherited) objects() (out []client.Object) {
	f.t.Helper()
	for _, list := range []client.ObjectList{
		&appsv1.StatefulSetList{}, &corev1.ConfigMapList{}, &corev1.SecretList{}, &corev1.ServiceList{}, &networkingv1.NetworkPolicyList{},
	} {
		f.do(f.admin.List(f.t.Context(), list, client.InNamespace(f.key.Namespace)))
		f.do(meta.EachListItem(list, func(item runtime.Object) error {
			if obj := item.(client.Object); obj.GetName() != "kube-root-ca.crt" {
				out = append(out, obj)
			}
			return nil
		}))
	}
	return out
}

// substance is what of the objects must not change before the window, by their names.
func (f inherited) substance() map[string]string {
	f.t.Helper()
	out := map[string]string{}
	for _, obj := range f.objects() {
		kind := "" // of which type an object is shows in its fields
		switch o := obj.(type) {
		case *appsv1.StatefulSet:
			kind, o.Status, o.Spec.UpdateStrategy = "StatefulSet", appsv1.StatefulSetStatus{}, appsv1.StatefulSetUpdateStrategy{}
			o.Annotations, o.Generation = nil, 0
		case *corev1.Service:
			kind = "Service"
		case *networkingv1.NetworkPolicy:
			kind = "NetworkPolicy"
		case *corev1.Secret:
			kind = "Secret"
		}
		obj.SetLabels(nil)
		obj.SetManagedFields(nil)
		if kind != "Secret" {
			obj.SetResourceVersion("")
		}
		text, err := json.Marshal(obj)
		f.do(err)
		out[kind+" "+obj.GetName()] = string(text)
	}
	return out
}

func (f inherited) wantSubstance(before map[string]string) {
	f.t.Helper()
	after := f.substance()
	for name, was := range before {
		if after[name] != was {
			f.t.Errorf("%s is now\n%s\nand was\n%s", name, after[name], was)
		}
	}
	if len(after) != len(before) {
		f.t.Errorf("there are %d objects, there were %d", len(after), len(before))
	}
}

// requestWindow is what the user does.
func (f inherited) requestWindow() {
	f.t.Helper()
	f.edit(func(s *dittofsv1alpha1.DittoServer) {
		s.Annotations[dittofsv1alpha1.AnnotationRollout] = dittofsv1alpha1.RolloutNow
	})
}

// waiting brings the server to where it waits for its window.
func (f inherited) waiting() {
	f.t.Helper()
	f.letGo()
	f.reconcile()
	f.observed()
	f.healthy(f.pod)
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, reasonRolloutPending, "dittofs.io/rollout=now")
}

// observed is what the StatefulSet controller says to a change that restarts nothing.
func (f inherited) observed() {
	f.t.Helper()
	set := f.set()
	set.Status.ObservedGeneration = set.Generation
	f.do(f.admin.Status().Update(f.t.Context(), set))
}

func (f inherited) container() corev1.Container {
	f.t.Helper()
	for _, c := range f.set().Spec.Template.Spec.Containers {
		if c.Name == render.ContainerName {
			return c
		}
	}
	f.t.Fatal("dfs has no container")
	return corev1.Container{}
}

// balance is what a cloud does for Services of type LoadBalancer.
func (f inherited) balance() {
	f.t.Helper()
	services := &corev1.ServiceList{}
	f.do(f.admin.List(f.t.Context(), services, client.InNamespace(f.key.Namespace)))
	for i := range services.Items {
		if service := &services.Items[i]; service.Spec.Type == corev1.ServiceTypeLoadBalancer {
			service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.7"}}
			f.do(f.admin.Status().Update(f.t.Context(), service))
		}
	}
}
