// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"net"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
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
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

type fixture struct {
	t       *testing.T
	dfs     *fakeDFS
	http    *httptest.Server
	clock   *testclock.FakeClock
	p       *Prober
	c       client.Client
	reads   int // live reads of Secrets
	allowed func(types.NamespacedName) (bool, string)
	observe bool
	changes int
	key     types.NamespacedName
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{
		t: t, clock: testclock.NewFakeClock(time.Now()), key: types.NamespacedName{Namespace: "ns", Name: "files"},
		allowed: func(types.NamespacedName) (bool, string) { return true, "" },
	}
	f.dfs = newFakeDFS(f.clock)
	f.http = httptest.NewServer(f.dfs)
	t.Cleanup(f.http.Close)
	u, err := url.Parse(f.http.URL)
	f.do(err)
	host, portText, err := net.SplitHostPort(u.Host)
	f.do(err)
	port, err := strconv.ParseInt(portText, 10, 32)
	f.do(err)

	scheme := runtime.NewScheme()
	f.do(clientgoscheme.AddToScheme(scheme))
	f.do(dittofsv1alpha1.Install(scheme))
	server := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "files", UID: "server-uid",
		Annotations: map[string]string{dittofsv1alpha1.AnnotationNamespaceUID: "ns-uid"}}}
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "files", UID: "set-uid"}}
	set.Spec.Template.Annotations = map[string]string{dittofsv1alpha1.AnnotationConfigHash: "1"}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "files-0", UID: "pod-1",
			Annotations:     map[string]string{dittofsv1alpha1.AnnotationConfigHash: "1"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "files", UID: "set-uid", Controller: ptr.To(true)}}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: render.ContainerName, Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: 9}, {Name: "api", ContainerPort: int32(port)}}}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: host,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}},
	}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "files-jwt-secret", UID: "secret-uid"},
		Data: map[string][]byte{render.JWTSecretKey: []byte(oldSecret)}}
	f.c = fake.NewClientBuilder().WithScheme(scheme).
		WithObjects(server, set, pod, secret, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns", UID: "ns-uid"}}).
		WithInterceptorFuncs(interceptor.Funcs{Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			if _, ok := obj.(*corev1.Secret); ok {
				f.reads++
			}
			return c.Get(ctx, key, obj, opts...)
		}}).Build()
	f.restartController()
	return f
}

// server changes the DittoServer.
func (f *fixture) server(change func(*dittofsv1alpha1.DittoServer)) {
	f.t.Helper()
	edit(f, &dittofsv1alpha1.DittoServer{}, "files", change)
}

// later lets the time of the next round come.
func (f *fixture) later() Observation {
	f.t.Helper()
	f.clock.Step(2 * DefaultInterval)
	o, _ := f.probe()
	return o
}

// secret makes or replaces a Secret.
func (f *fixture) secret(name string, data map[string]string) {
	f.t.Helper()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, UID: types.UID(name)}, Data: map[string][]byte{}}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	if err := f.c.Create(f.t.Context(), secret); err != nil {
		edit(f, &corev1.Secret{}, name, func(s *corev1.Secret) { s.Data = secret.Data })
	}
}

// restartController forgets everything.
func (f *fixture) restartController() {
	f.p = &Prober{
		Servers: f.c, Host: f.c, Live: f.c, Dial: DialPod(time.Second), Interval: DefaultInterval, Clock: f.clock, Store: NewStore(),
		Changed:       func(context.Context, types.NamespacedName) { f.changes++ },
		WritesAllowed: func(name types.NamespacedName) (bool, string) { return f.allowed(name) },
		ObserveOnly:   func() (bool, string) { return f.observe, "a test" },
	}
}

func (f *fixture) do(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) probe() (Observation, time.Duration) {
	f.t.Helper()
	res, err := f.p.Reconcile(f.t.Context(), reconcile.Request{NamespacedName: f.key})
	f.do(err)
	o, _ := f.p.Store.Get(f.key)
	return o, res.RequeueAfter
}

func edit[O client.Object](f *fixture, obj O, name string, change func(O)) {
	f.t.Helper()
	f.do(f.c.Get(f.t.Context(), types.NamespacedName{Namespace: "ns", Name: name}, obj))
	change(obj)
	status := obj.DeepCopyObject().(client.Object)
	f.do(f.c.Update(f.t.Context(), obj))
	status.SetResourceVersion(obj.GetResourceVersion())
	f.do(client.IgnoreNotFound(f.c.Status().Update(f.t.Context(), status)))
}
