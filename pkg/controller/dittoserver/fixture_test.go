// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	testclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/controllertest"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// The tests share one kube-apiserver and two users; each test has a namespace.
var (
	plane      *controllertest.Plane
	userConfig *rest.Config // the rights that are shipped, with generate-credentials
	baseConfig *rest.Config // without
	testScheme = runtime.NewScheme()
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := clientgoscheme.AddToScheme(testScheme); err != nil {
		return fail(err)
	}
	if err := dittofsv1alpha1.Install(testScheme); err != nil {
		return fail(err)
	}
	var err error
	if plane, err = controllertest.Start(); err != nil {
		return fail(err)
	}
	defer func() { _ = plane.Stop() }()
	ctx := context.Background()
	if baseConfig, err = plane.User(ctx, "controllers-base", controllertest.BaseRules()...); err != nil {
		return fail(err)
	}
	rules := append(controllertest.BaseRules(), controllertest.CredentialRules()...)
	if userConfig, err = plane.User(ctx, "controllers-all", rules...); err != nil {
		return fail(err)
	}
	return m.Run()
}

// fixture is one DittoServer in a namespace of its own, and a Reconciler whose caches are never stale.
type fixture struct {
	t         *testing.T
	admin     client.Client
	rec       *Reconciler
	host, own *traffic
	events    *recorder
	clock     *testclock.FakeClock
	seen      *dfsprobe.Store
	observing bool
	key       types.NamespacedName
}

func newFixture(t *testing.T, change ...func(*dittofsv1alpha1.DittoServer)) *fixture {
	return newFixtureAs(t, userConfig, change...)
}

func newFixtureAs(t *testing.T, user *rest.Config, change ...func(*dittofsv1alpha1.DittoServer)) *fixture {
	t.Helper()
	f := &fixture{
		t: t, admin: newClient(t, plane.Loopback(), nil), host: &traffic{}, own: &traffic{}, events: &recorder{},
		clock: testclock.NewFakeClock(time.Now().Truncate(time.Second)), seen: dfsprobe.NewStore(),
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "t-"}}
	f.do(f.admin.Create(t.Context(), ns))
	f.key = types.NamespacedName{Namespace: ns.Name, Name: "files"}
	host := newClient(t, user, f.host)
	f.rec = &Reconciler{
		Servers:      newClient(t, plane.Loopback(), f.own),
		Host:         host,
		Live:         host,
		Applier:      &apply.Applier{Cached: host, Live: host, Writer: host},
		Events:       f.events,
		Observations: f.seen,
		Clock:        f.clock,
		ObserveOnly:  func() (bool, string) { return f.observing, "the store is older than the cluster" },
	}
	f.createServer(string(ns.UID), change...)
	return f
}

// createServer does what our API does at create.
func (f *fixture) createServer(namespaceUID string, change ...func(*dittofsv1alpha1.DittoServer)) {
	f.t.Helper()
	server := &dittofsv1alpha1.DittoServer{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: f.key.Namespace, Name: f.key.Name,
			Finalizers:  []string{dittofsv1alpha1.Finalizer},
			Annotations: map[string]string{dittofsv1alpha1.AnnotationNamespaceUID: namespaceUID},
		},
		Spec: dittofsv1alpha1.DittoServerSpec{Storage: dittofsv1alpha1.StorageSpec{
			MetadataSize: ptr.To(resource.MustParse("1Gi")), ContentSize: ptr.To(resource.MustParse("10Gi")),
		}},
	}
	dittofsv1alpha1.SetObjectDefaults_DittoServer(server)
	for _, c := range change {
		c(server)
	}
	f.do(f.admin.Create(f.t.Context(), server))
}

func newClient(t *testing.T, config *rest.Config, count *traffic) client.Client {
	t.Helper()
	config = rest.CopyConfig(config)
	config.QPS = -1
	if count != nil {
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { return count.over(next) })
	}
	c, err := client.New(config, client.Options{Scheme: testScheme})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (f *fixture) do(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// reconcile runs one pass, which must not fail.
func (f *fixture) reconcile() reconcile.Result {
	f.t.Helper()
	res, err := f.rec.Reconcile(f.t.Context(), reconcile.Request{NamespacedName: f.key})
	f.do(err)
	return res
}

func (f *fixture) server() *dittofsv1alpha1.DittoServer {
	f.t.Helper()
	server := &dittofsv1alpha1.DittoServer{}
	f.do(f.admin.Get(f.t.Context(), f.key, server))
	return server
}

// edit changes the spec as a user does.
func (f *fixture) edit(change func(*dittofsv1alpha1.DittoServer)) {
	f.t.Helper()
	server := f.server()
	change(server)
	f.do(f.admin.Update(f.t.Context(), server))
}

func get[O client.Object](f *fixture, obj O, name string) O {
	f.t.Helper()
	f.do(f.admin.Get(f.t.Context(), types.NamespacedName{Namespace: f.key.Namespace, Name: name}, obj))
	return obj
}

func (f *fixture) set() *appsv1.StatefulSet {
	f.t.Helper()
	return get(f, &appsv1.StatefulSet{}, f.key.Name)
}

func (f *fixture) gone(obj client.Object, name string) bool {
	f.t.Helper()
	err := f.admin.Get(f.t.Context(), types.NamespacedName{Namespace: f.key.Namespace, Name: name}, obj)
	f.do(client.IgnoreNotFound(err))
	return err != nil
}

// wantCondition checks one condition of the stored status.
func (f *fixture) wantCondition(conditionType string, status metav1.ConditionStatus, reason string, says ...string) {
	f.t.Helper()
	c := meta.FindStatusCondition(f.server().Status.Conditions, conditionType)
	if c == nil {
		f.t.Fatalf("there is no condition %s", conditionType)
	}
	if c.Status != status || c.Reason != reason {
		f.t.Errorf("%s is %s, %s: %s; want %s, %s", conditionType, c.Status, c.Reason, c.Message, status, reason)
	}
	for _, s := range says {
		if !strings.Contains(c.Message, s) {
			f.t.Errorf("%s says %q, which does not mention %q", conditionType, c.Message, s)
		}
	}
}

// runPod does what the StatefulSet controller, a provisioner and the kubelet do for a pod of the current template.
func (f *fixture) runPod() *corev1.Pod {
	f.t.Helper()
	set := f.set()
	for _, template := range set.Spec.VolumeClaimTemplates {
		if size := template.Spec.Resources.Requests[corev1.ResourceStorage]; f.gone(&corev1.PersistentVolumeClaim{}, render.ClaimName(template.Name, f.key.Name)) {
			f.claim(template.Name, size.String(), nil)
		}
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: f.key.Namespace, Name: render.PodName(f.key.Name),
		Labels: set.Spec.Template.Labels, Annotations: set.Spec.Template.Annotations,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("StatefulSet"))},
	}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: render.ContainerName, Image: set.Spec.Template.Spec.Containers[0].Image, Ports: set.Spec.Template.Spec.Containers[0].Ports,
	}}}}
	f.do(f.admin.Create(f.t.Context(), pod))
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: "10.0.0.7", PodIPs: []corev1.PodIP{{IP: "10.0.0.7"}},
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()}},
	}
	f.do(f.admin.Status().Update(f.t.Context(), pod))
	set.Status = appsv1.StatefulSetStatus{
		ObservedGeneration: set.Generation, Replicas: 1, ReadyReplicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1,
		CurrentRevision: "r", UpdateRevision: "r",
	}
	f.do(f.admin.Status().Update(f.t.Context(), set))
	return pod
}

// healthy is what the probe says of a pod with which all is well.
func (f *fixture) healthy(pod *corev1.Pod) {
	f.seen.Put(f.key, dfsprobe.Observation{
		Pod: pod.UID, Reached: true, DatabaseReachable: true, Database: "reachable", Token: dfsprobe.TokenAccepted,
		LastSuccess: f.clock.Now(), AdaptersKnown: true, Adapters: []dfsprobe.Adapter{{Type: "nfs", Enabled: true, Serving: true, Port: 12049}},
		MachineSID: "S-1-5-21-1-2-3", Policies: []dfsprobe.PolicyResult{}, Providers: map[string]string{},
	})
}

// up brings the server to Ready.
func (f *fixture) up() *corev1.Pod {
	f.t.Helper()
	f.reconcile()
	pod := f.runPod()
	f.healthy(pod)
	f.reconcile()
	f.wantCondition(dittofsv1alpha1.ConditionReady, metav1.ConditionTrue, reasonServerReady)
	return pod
}

// traffic counts requests that are not reads.
type traffic struct {
	mu     sync.Mutex
	writes []string
}

func (c *traffic) over(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Method != http.MethodGet {
			c.mu.Lock()
			c.writes = append(c.writes, req.Method+" "+req.URL.Path)
			c.mu.Unlock()
		}
		return next.RoundTrip(req)
	})
}

// take returns the writes since the last call.
func (c *traffic) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	writes := c.writes
	c.writes = nil
	return writes
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// recorder keeps events in memory.
type recorder struct {
	mu     sync.Mutex
	events []string
}

func (r *recorder) Eventf(_, _ runtime.Object, eventType, reason, _, note string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, eventType+" "+reason+" "+fmt.Sprintf(note, args...))
}

func (r *recorder) take() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	events := r.events
	r.events = nil
	return events
}

func hasPrefix(list []string, prefix string) bool {
	for _, s := range list {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}
