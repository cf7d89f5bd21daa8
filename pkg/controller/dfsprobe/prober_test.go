// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
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
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

const (
	oldSecret = "old-0123456789abcdef0123456789abcdef"
	newSecret = "new-0123456789abcdef0123456789abcdef"
)

// fakeDFS is a dfs that started with one JWT secret. Like the real one it answers 401 as text.
type fakeDFS struct {
	mu       sync.Mutex
	secret   string
	database string
	adapters string
	skew     time.Duration
	clock    *testclock.FakeClock
	calls    []string
	users    []string
}

func (d *fakeDFS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, r.URL.Path)
	w.Header().Set("Date", d.clock.Now().Add(d.skew).UTC().Format(http.TimeFormat))
	switch r.URL.Path {
	case "/health":
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"status":"healthy","data":{"service":"dittofs","control_plane_db":%q}}`, d.database)
	case "/api/v1/adapters":
		claims := jwt.MapClaims{}
		_, err := jwt.ParseWithClaims(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), claims,
			func(*jwt.Token) (any, error) { return []byte(d.secret), nil })
		if err != nil || claims["role"] != "admin" {
			http.Error(w, "Invalid or expired token", http.StatusUnauthorized)
			return
		}
		d.users = append(d.users, claims["username"].(string))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, d.adapters)
	default:
		http.NotFound(w, r)
	}
}

func (d *fakeDFS) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	calls := d.calls
	d.calls = nil
	return calls
}

type fixture struct {
	t       *testing.T
	dfs     *fakeDFS
	http    *httptest.Server
	clock   *testclock.FakeClock
	p       *Prober
	c       client.Client
	reads   int // live reads of Secrets
	changes int
	key     types.NamespacedName
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{
		t: t, clock: testclock.NewFakeClock(time.Now()), key: types.NamespacedName{Namespace: "ns", Name: "files"},
		dfs: &fakeDFS{secret: oldSecret, database: "reachable", adapters: `[{"type":"nfs","enabled":true,"running":true,"port":12049,"status":{"status":"healthy"}}]`},
	}
	f.dfs.clock = f.clock
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
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: render.ContainerName, Ports: []corev1.ContainerPort{{ContainerPort: int32(port)}}}}},
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

// restartController forgets everything.
func (f *fixture) restartController() {
	f.p = &Prober{
		Servers: f.c, Host: f.c, Live: f.c, Dial: DialPod(time.Second), Interval: DefaultInterval, Clock: f.clock, Store: NewStore(),
		Changed: func(context.Context, types.NamespacedName) { f.changes++ },
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

func TestAHealthyServerIsAskedOnceAnInterval(t *testing.T) {
	f := newFixture(t)
	o, wait := f.probe()
	if !o.Reached || !o.DatabaseReachable || o.Token != TokenAccepted || len(o.Adapters) != 1 || !o.Adapters[0].Serving || !o.FailingSince.IsZero() {
		t.Errorf("observed %+v", o)
	}
	if wait < DefaultInterval || wait > DefaultInterval*11/10 {
		t.Errorf("the next round is in %s", wait)
	}
	if f.dfs.users[0] != "dittofs-controller:server-uid" {
		t.Errorf("the token is for %s", f.dfs.users[0])
	}
	f.dfs.take()
	for range 5 {
		f.probe()
	}
	if calls := f.dfs.take(); len(calls) != 0 {
		t.Errorf("events led to the calls %v", calls)
	}
	f.clock.Step(wait)
	f.probe()
	if calls := f.dfs.take(); len(calls) != 2 {
		t.Errorf("the calls were %v", calls)
	}
	if f.changes != 1 || f.reads != 1 {
		t.Errorf("%d changes were told, %d Secrets read; want one each", f.changes, f.reads)
	}
}

func TestADeadServerIsAskedLessAndLess(t *testing.T) {
	f := newFixture(t)
	f.probe()
	f.http.CloseClientConnections()
	f.http.Close()
	f.clock.Step(time.Minute)
	failed := f.clock.Now()
	lastGood := failed.Add(-time.Minute)
	var waits []time.Duration
	var o Observation
	for range 9 {
		var wait time.Duration
		o, wait = f.probe()
		waits = append(waits, wait)
		f.clock.Step(wait)
	}
	want := []int{5, 10, 20, 40, 80, 160, 300, 300, 300} // seconds
	for i := range want {
		if waits[i] != time.Duration(want[i])*time.Second {
			t.Fatalf("the waits were %v", waits)
		}
	}
	if !o.FailingSince.Equal(failed) || !o.LastSuccess.Equal(lastGood) || o.Failure != "connection refused" || !o.DatabaseReachable {
		t.Errorf("observed %+v, want failing since %s", o, failed)
	}
	if f.changes != 2 {
		t.Errorf("%d changes were told, want 2", f.changes)
	}
}

func TestANewPodIsAskedAtOnce(t *testing.T) {
	f := newFixture(t)
	f.probe()
	f.dfs.take()
	edit(f, &corev1.Pod{}, "files-0", func(p *corev1.Pod) { p.UID = "pod-2" })
	if o, _ := f.probe(); o.Pod != "pod-2" || len(f.dfs.take()) != 2 {
		t.Errorf("observed %+v", o)
	}
}

func TestAPodThatIsNotReadyIsAskedForItsHealthOnly(t *testing.T) {
	f := newFixture(t)
	edit(f, &corev1.Pod{}, "files-0", func(p *corev1.Pod) { p.Status.Conditions = nil })
	o, _ := f.probe()
	if calls := f.dfs.take(); len(calls) != 1 || calls[0] != "/health" || !o.Reached {
		t.Errorf("the calls were %v, observed %+v", calls, o)
	}
	f.http.Close()
	f.clock.Step(time.Hour)
	if o, _ = f.probe(); o.Failure == "" || !o.FailingSince.IsZero() {
		t.Errorf("observed %+v: a pod that starts does not fail", o)
	}
}

func TestWhoIsNotAsked(t *testing.T) {
	tests := []struct {
		name   string
		change func(f *fixture)
	}{
		{"a pod of somebody else", func(f *fixture) {
			edit(f, &corev1.Pod{}, "files-0", func(p *corev1.Pod) { p.OwnerReferences[0].UID = "other" })
		}},
		{"a pod without a controller", func(f *fixture) {
			edit(f, &corev1.Pod{}, "files-0", func(p *corev1.Pod) { p.OwnerReferences = nil })
		}},
		{"a pod without an address", func(f *fixture) {
			edit(f, &corev1.Pod{}, "files-0", func(p *corev1.Pod) { p.Status.PodIP = "" })
		}},
		{"a server in another namespace of the name", func(f *fixture) {
			edit(f, &dittofsv1alpha1.DittoServer{}, "files", func(s *dittofsv1alpha1.DittoServer) {
				s.Annotations[dittofsv1alpha1.AnnotationNamespaceUID] = "former"
			})
		}},
		{"a server that is deleted", func(f *fixture) {
			edit(f, &dittofsv1alpha1.DittoServer{}, "files", func(s *dittofsv1alpha1.DittoServer) { s.Finalizers = []string{dittofsv1alpha1.Finalizer} })
			f.do(f.c.Delete(f.t.Context(), &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "files"}}))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.probe()
			f.dfs.take()
			f.clock.Step(time.Hour)
			tt.change(f)
			if _, wait := f.probe(); wait != 0 {
				t.Errorf("it comes back in %s", wait)
			}
			if calls := f.dfs.take(); len(calls) != 0 {
				t.Errorf("the calls were %v", calls)
			}
			if _, known := f.p.Store.Get(f.key); known || f.changes != 2 {
				t.Errorf("an observation is left: %t; %d changes", known, f.changes)
			}
		})
	}
}

func TestAfterARotationTheRunningPodIsSpokenToWithItsOwnSecret(t *testing.T) {
	f := newFixture(t)
	f.probe()
	f.dfs.take()
	edit(f, &corev1.Secret{}, "files-jwt-secret", func(s *corev1.Secret) { s.Data[render.JWTSecretKey] = []byte(newSecret) })
	o, _ := f.probe()
	if calls := f.dfs.take(); o.Token != TokenAccepted || len(calls) != 2 {
		t.Errorf("observed %+v after the calls %v", o, calls)
	}
	// The container restarts and reads the new value.
	f.dfs.secret = newSecret
	edit(f, &corev1.Pod{}, "files-0", func(p *corev1.Pod) {
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: render.ContainerName, RestartCount: 1}}
	})
	f.dfs.take()
	if o, _ = f.probe(); o.Token != TokenAccepted || len(f.dfs.take()) != 2 {
		t.Errorf("observed %+v", o)
	}
}

func TestARefusedTokenIsNoLoop(t *testing.T) {
	tests := []struct {
		name  string
		stale bool
		skew  time.Duration
		want  Token
	}{
		{"of a pod with the current template it is a mismatch", false, 0, TokenRefused},
		{"of a pod that is about to be replaced it is pending", true, 0, TokenRestartPending},
		{"of a server that is ahead it is the clock", false, time.Hour, TokenClockSkew},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.dfs.secret, f.dfs.skew = newSecret, tt.skew
			if tt.stale {
				edit(f, &appsv1.StatefulSet{}, "files", func(s *appsv1.StatefulSet) {
					s.Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash] = "2"
				})
			}
			var asked int
			for elapsed := time.Duration(0); elapsed < 10*time.Minute; {
				o, wait := f.probe()
				if o.Token != tt.want || !o.Reached || o.AdaptersKnown {
					t.Fatalf("observed %+v", o)
				}
				asked++
				elapsed += wait
				f.clock.Step(wait)
			}
			if asked > 8 {
				t.Errorf("asked %d times in 10 minutes", asked)
			}
			if f.changes != 1 {
				t.Errorf("%d changes", f.changes)
			}
		})
	}
}

func TestABadAdapterIsNamed(t *testing.T) {
	f := newFixture(t)
	f.dfs.adapters = `[{"type":"nfs","enabled":true,"running":true,"status":{"status":"unknown"}},
		{"type":"smb","enabled":true,"running":false,"status":{"status":"unhealthy","message":"bind: address in use"}},
		{"type":"old","enabled":false,"running":false,"status":{"status":"disabled"}}]`
	o, _ := f.probe()
	want := []Adapter{{"nfs", false, "it says unknown"}, {"smb", false, "bind: address in use"}}
	if len(o.Adapters) != 2 || o.Adapters[0] != want[0] || o.Adapters[1] != want[1] {
		t.Errorf("observed %+v", o.Adapters)
	}
}

func TestTheURLTemplateReplacesTheAddress(t *testing.T) {
	f := newFixture(t)
	edit(f, &corev1.Pod{}, "files-0", func(p *corev1.Pod) { p.Status.PodIP = "" })
	f.p.URLTemplate = "http://gateway.example/{namespace}/{name}/{port}"
	var dialled Target
	f.p.Dial = func(t Target, token func(context.Context) (string, error)) (API, error) {
		dialled = t
		return dfs.New(f.http.URL, dfs.Options{Token: token})
	}
	o, _ := f.probe()
	if !strings.HasPrefix(dialled.BaseURL, "http://gateway.example/ns/files/") || dialled.Address != "" || o.Token != TokenAccepted {
		t.Errorf("dialled %+v, observed %+v", dialled, o)
	}
}

func TestValidateURLTemplate(t *testing.T) {
	for template, ok := range map[string]bool{
		"": true, "http://{name}-api.{namespace}.svc:{port}": true, "https://gw/{namespace}/{name}": true,
		"gw:80": false, "ftp://gw": false, "http://": false,
	} {
		if err := ValidateURLTemplate(template); (err == nil) != ok {
			t.Errorf("%q: %v", template, err)
		}
	}
}
