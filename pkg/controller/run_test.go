// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/controllertest"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

var plane *controllertest.Plane

func TestMain(m *testing.M) {
	var err error
	if plane, err = controllertest.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = plane.Stop()
	os.Exit(code)
}

// traffic counts requests to the host cluster that are neither reads nor the lease nor events.
type traffic struct {
	mu     sync.Mutex
	writes []string
}

func (c *traffic) over(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Method != http.MethodGet && !strings.Contains(req.URL.Path, "/leases") && !strings.Contains(req.URL.Path, "/events") {
			c.mu.Lock()
			c.writes = append(c.writes, req.Method+" "+req.URL.Path)
			c.mu.Unlock()
		}
		return next.RoundTrip(req)
	})
}

func (c *traffic) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	writes := c.writes
	c.writes = nil
	return writes
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

type world struct {
	t    *testing.T
	api  client.Client
	host *traffic
	own  *traffic
	cfg  Config
	key  types.NamespacedName
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, host: &traffic{}, own: &traffic{}}
	scheme, err := newScheme()
	w.do(err)
	w.api, err = client.New(plane.Loopback(), client.Options{Scheme: scheme})
	w.do(err)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "t-"}}
	w.do(w.api.Create(t.Context(), ns))
	w.key = types.NamespacedName{Namespace: ns.Name, Name: "files"}
	user, err := plane.User(t.Context(), "user-"+ns.Name, append(controllertest.BaseRules(), controllertest.CredentialRules()...)...)
	w.do(err)
	user.Wrap(w.host.over)
	loopback := plane.Loopback()
	loopback.Wrap(w.own.over)
	dfs := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		out.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/health") {
			fmt.Fprint(out, `{"status":"healthy","data":{"service":"dittofs","control_plane_db":"reachable"}}`)
			return
		}
		if strings.HasSuffix(r.URL.Path, "/settings/machine_sid") {
			fmt.Fprint(out, `{"value":"S-1-5-21-1-2-3"}`)
			return
		}
		if strings.Contains(r.URL.Path, "/settings") {
			fmt.Fprint(out, `{}`)
			return
		}
		fmt.Fprint(out, `[{"type":"nfs","enabled":true,"running":true,"port":12049,"status":{"status":"healthy"}}]`)
	}))
	t.Cleanup(dfs.Close)
	w.cfg = Config{
		Loopback: loopback, Sweeper: plane.Loopback(), Host: user, Namespace: ns.Name, Identity: "me",
		LeaderElection: LeaderElectionConfig{Enabled: true, LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 200 * time.Millisecond},
		DFSURLTemplate: dfs.URL + "/{namespace}/{name}",
		SweepGrace:     time.Millisecond,
	}
	return w
}

func (w *world) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// run runs the controllers until stop is called, which waits for their end.
func (w *world) run() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, w.cfg) }()
	return sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			w.do(err)
		case <-time.After(time.Minute):
			w.t.Fatal("Run did not come back")
		}
	})
}

func TestControllersThatAreStoppedBeforeTheirCachesAreFilledEnd(t *testing.T) {
	for _, of := range []string{"our store", "the host cluster"} {
		t.Run(of, func(t *testing.T) {
			w := newWorld(t)
			var asked sync.Once
			waiting := make(chan struct{})
			silent := func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(req *http.Request) (*http.Response, error) {
					if !strings.HasSuffix(req.URL.Path, "/dittoservers") && !strings.HasSuffix(req.URL.Path, "/statefulsets") {
						return next.RoundTrip(req)
					}
					asked.Do(func() { close(waiting) })
					<-req.Context().Done()
					return nil, req.Context().Err()
				})
			}
			if of == "our store" {
				w.cfg.Loopback.Wrap(silent)
			} else {
				w.cfg.Host.Wrap(silent)
			}
			stop := w.run()
			<-waiting
			stop()
		})
	}
}

func (w *world) create(name, namespaceUID string) {
	w.t.Helper()
	server := &dittofsv1alpha1.DittoServer{
		ObjectMeta: metav1.ObjectMeta{Namespace: w.key.Namespace, Name: name, Finalizers: []string{dittofsv1alpha1.Finalizer},
			Annotations: map[string]string{dittofsv1alpha1.AnnotationNamespaceUID: namespaceUID}},
		Spec: dittofsv1alpha1.DittoServerSpec{Storage: dittofsv1alpha1.StorageSpec{MetadataSize: ptr.To(resource.MustParse("1Gi"))}},
	}
	dittofsv1alpha1.SetObjectDefaults_DittoServer(server)
	w.do(w.api.Create(w.t.Context(), server))
}

func (w *world) namespaceUID() string {
	w.t.Helper()
	ns := &corev1.Namespace{}
	w.do(w.api.Get(w.t.Context(), types.NamespacedName{Name: w.key.Namespace}, ns))
	return string(ns.UID)
}

func (w *world) eventually(what string, check func(ctx context.Context) bool) {
	w.t.Helper()
	err := wait.PollUntilContextTimeout(w.t.Context(), 50*time.Millisecond, time.Minute, true,
		func(ctx context.Context) (bool, error) { return check(ctx), nil })
	if err != nil {
		server := &dittofsv1alpha1.DittoServer{}
		_ = w.api.Get(w.t.Context(), w.key, server)
		w.t.Fatalf("waited in vain for %s; the status is %+v", what, server.Status)
	}
}

func (w *world) ready(ctx context.Context) bool {
	server := &dittofsv1alpha1.DittoServer{}
	return w.api.Get(ctx, w.key, server) == nil && meta.IsStatusConditionTrue(server.Status.Conditions, dittofsv1alpha1.ConditionReady)
}

// runPod stands in for the StatefulSet controller and the kubelet.
func (w *world) runPod() {
	w.t.Helper()
	set := &appsv1.StatefulSet{}
	w.eventually("the StatefulSet", func(ctx context.Context) bool { return w.api.Get(ctx, w.key, set) == nil })
	for i := range set.Spec.VolumeClaimTemplates {
		template := &set.Spec.VolumeClaimTemplates[i]
		claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Namespace: w.key.Namespace, Labels: set.Spec.Selector.MatchLabels,
			Name: template.Name + "-" + render.PodName(w.key.Name)}, Spec: template.Spec}
		w.do(w.api.Create(w.t.Context(), claim))
		claim.Status = corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimBound, Capacity: template.Spec.Resources.Requests}
		w.do(w.api.Status().Update(w.t.Context(), claim))
	}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: w.key.Namespace, Name: render.PodName(w.key.Name),
		Labels: set.Spec.Template.Labels, Annotations: set.Spec.Template.Annotations,
		OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(set, appsv1.SchemeGroupVersion.WithKind("StatefulSet"))}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: render.ContainerName, Image: "dfs"}}}}
	w.do(w.api.Create(w.t.Context(), pod))
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning,
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()}}}
	w.do(w.api.Status().Update(w.t.Context(), pod))
	set.Status = appsv1.StatefulSetStatus{ObservedGeneration: set.Generation, Replicas: 1, ReadyReplicas: 1, UpdatedReplicas: 1, CurrentRevision: "r", UpdateRevision: "r"}
	w.do(w.api.Status().Update(w.t.Context(), set))
}

// renewals waits until the lease has been renewed a number of times: controllers with anything to do have done it then.
func (w *world) renewals(n int) {
	w.t.Helper()
	var last metav1.MicroTime
	w.eventually("renewals of the lease", func(ctx context.Context) bool {
		lease := &coordinationv1.Lease{}
		if err := w.api.Get(ctx, types.NamespacedName{Namespace: w.key.Namespace, Name: LeaseName}, lease); err != nil || lease.Spec.RenewTime == nil {
			return false
		}
		if !lease.Spec.RenewTime.Equal(&last) {
			last = *lease.Spec.RenewTime
			n--
		}
		return n < 0
	})
}

func TestAServerComesUpRestsIsRepairedAndGoes(t *testing.T) {
	w := newWorld(t)
	stop := w.run()
	defer stop()
	w.create("files", w.namespaceUID())
	w.runPod()
	w.eventually("Ready", w.ready)

	w.renewals(2)
	w.host.take()
	w.own.take()
	w.renewals(10)
	if writes := append(w.host.take(), w.own.take()...); len(writes) > 0 {
		t.Errorf("at rest there were writes: %q", writes)
	}

	cm := &corev1.ConfigMap{}
	key := types.NamespacedName{Namespace: w.key.Namespace, Name: "files-config"}
	w.do(w.api.Get(t.Context(), key, cm))
	w.do(w.api.Delete(t.Context(), cm))
	w.eventually("the deleted ConfigMap", func(ctx context.Context) bool { return w.api.Get(ctx, key, cm) == nil })

	w.eventually("events", func(ctx context.Context) bool {
		events := &eventsv1.EventList{}
		if err := w.api.List(ctx, events, client.InNamespace(w.key.Namespace)); err != nil {
			return false
		}
		for _, e := range events.Items {
			if e.Reason == "Created" && e.Regarding.Kind == "DittoServer" && e.Regarding.Name == "files" {
				return true
			}
		}
		return false
	})

	server := &dittofsv1alpha1.DittoServer{}
	w.do(w.api.Get(t.Context(), w.key, server))
	w.do(w.api.Delete(t.Context(), server))
	w.eventually("the end of the StatefulSet", func(ctx context.Context) bool {
		return w.api.Get(ctx, w.key, &appsv1.StatefulSet{}) != nil
	})
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: w.key.Namespace, Name: "files-0"}}
	w.do(w.api.Delete(t.Context(), pod, client.GracePeriodSeconds(0)))
	w.eventually("the end of the DittoServer", func(ctx context.Context) bool {
		return client.IgnoreNotFound(w.api.Get(ctx, w.key, server)) == nil && w.api.Get(ctx, w.key, server) != nil
	})
	stop()
	lease := &coordinationv1.Lease{}
	w.do(w.api.Get(t.Context(), types.NamespacedName{Namespace: w.key.Namespace, Name: LeaseName}, lease))
	if h := ptr.Deref(lease.Spec.HolderIdentity, ""); h != "" {
		t.Errorf("the lease is still held by %q", h)
	}
}

func TestARestartOfTheControllersDoesNotShakeReady(t *testing.T) {
	w := newWorld(t)
	stop := w.run()
	w.create("files", w.namespaceUID())
	w.runPod()
	w.eventually("Ready", w.ready)
	stop()
	before := &dittofsv1alpha1.DittoServer{}
	w.do(w.api.Get(t.Context(), w.key, before))
	w.own.take()
	w.host.take()
	stop = w.run()
	defer stop()
	w.renewals(10)
	if writes := append(w.host.take(), w.own.take()...); len(writes) > 0 {
		t.Errorf("the new process wrote %q", writes)
	}
}

func TestALeftOverServerIsSwept(t *testing.T) {
	w := newWorld(t)
	defer w.run()()
	w.create("old", "the-uid-of-a-former-namespace")
	w.eventually("the removal of the left-over", func(ctx context.Context) bool {
		err := w.api.Get(ctx, types.NamespacedName{Namespace: w.key.Namespace, Name: "old"}, &dittofsv1alpha1.DittoServer{})
		return err != nil && client.IgnoreNotFound(err) == nil
	})
	if writes := w.host.take(); len(writes) > 0 {
		t.Errorf("the host cluster was written to: %q", writes)
	}
}

func TestAHostThatIsDownEndsNothing(t *testing.T) {
	w := newWorld(t)
	w.cfg.LeaderElection.Enabled = false
	w.cfg.Host = &rest.Config{Host: "http://127.0.0.1:1"}
	w.run()()
}
