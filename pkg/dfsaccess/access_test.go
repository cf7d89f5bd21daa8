// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsaccess

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	testclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

const jwtSecret = "0123456789abcdef0123456789abcdef"

type fixture struct {
	t         *testing.T
	access    *Access
	server    *dittofsv1alpha1.DittoServer
	namespace *corev1.Namespace
	set       *appsv1.StatefulSet
	pod       *corev1.Pod
	secret    *corev1.Secret
	client    *fake.Clientset
	// refuses is a resource that the host forbids.
	refuses string
	// reached counts the requests to the pod's own address.
	reached int
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t}
	dfs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		f.reached++
		http.Redirect(w, &http.Request{}, "http://192.0.2.1/", http.StatusFound)
	}))
	t.Cleanup(dfs.Close)
	u, err := url.Parse(dfs.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	f.server = &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "files", UID: "server-uid",
		Annotations: map[string]string{dittofsv1alpha1.AnnotationNamespaceUID: "team-uid"}}}
	f.namespace = &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team", UID: "team-uid"}}
	f.set = &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "files", UID: "set-uid"}}
	f.pod = &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "files-0", OwnerReferences: []metav1.OwnerReference{
			{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "files", UID: "set-uid", Controller: ptr.To(true)}}},
		Spec:   corev1.PodSpec{Containers: []corev1.Container{{Name: render.ContainerName, Ports: []corev1.ContainerPort{{Name: "api", ContainerPort: int32(port)}}}}},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: u.Hostname()},
	}
	f.secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "files-jwt-secret"}, Data: map[string][]byte{render.JWTSecretKey: []byte(jwtSecret)}}
	return f
}

// ready makes a host of what the test has left of it.
func (f *fixture) ready() *fixture {
	f.t.Helper()
	f.client = fake.NewClientset()
	for _, object := range []runtime.Object{f.namespace, f.set, f.pod, f.secret} {
		if accessor := object.(metav1.Object); accessor.GetName() != "" {
			if err := f.client.Tracker().Add(object); err != nil {
				f.t.Fatal(err)
			}
		}
	}
	f.client.PrependReactor("*", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
		if action.GetResource().Resource == f.refuses {
			return true, nil, apierrors.NewForbidden(action.GetResource().GroupResource(), "", errors.New("no rule"))
		}
		return false, nil, nil
	})
	f.access = &Access{Host: f.client, Clock: testclock.NewFakePassiveClock(time.Date(2026, 11, 28, 9, 0, 0, 700, time.UTC))}
	return f
}

func (f *fixture) issue() (string, time.Time, error) {
	return f.access.Issue(f.t.Context(), f.server, "k8s:x", dittofsv1alpha1.CredentialsOperator, time.Minute)
}

func (f *fixture) get() (*http.Response, error) {
	base, transport, err := f.access.Dial(f.t.Context(), f.server)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, base.String()+"/health", nil)
	if err != nil {
		return nil, err
	}
	return transport.RoundTrip(req)
}

func says(err error, code int32, words string) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code == code && strings.Contains(err.Error(), words)
}

func TestAToken(t *testing.T) {
	f := newFixture(t).ready()
	token, expires, err := f.issue()
	if err != nil || !expires.Equal(time.Date(2026, 11, 28, 9, 1, 0, 0, time.UTC)) {
		t.Fatalf("until %s: %v", expires, err)
	}
	claims := func(token string) map[string]any {
		payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
		if err != nil {
			t.Fatal(err)
		}
		var out map[string]any
		if err := json.Unmarshal(payload, &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := claims(token)
	if first["exp"] != float64(expires.Unix()) || first["role"] != "operator" || first["username"] != "k8s:x" || first["token_type"] != "access" || first["groups"] != nil || first["nbf"] != nil {
		t.Errorf("it says %v", first)
	}
	again, _, err := f.issue()
	if err != nil {
		t.Fatal(err)
	}
	if uid := claims(again)["uid"]; uid == "" || uid == first["uid"] {
		t.Errorf("two tokens have the uid %v", uid)
	}
}

func TestServersThatNoTokenIsSignedFor(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(f *fixture)
		code  int32
		words string
	}{
		{"one that is being deleted", func(f *fixture) { f.server.DeletionTimestamp = ptr.To(metav1.Now()) }, 409, "it is being deleted"},
		{"one whose namespace is gone", func(f *fixture) { f.namespace.Name = "" }, 409, "its namespace is gone"},
		{"one whose namespace was replaced", func(f *fixture) { f.namespace.UID = "another" }, 409, "another namespace of the name team"},
		{"one that does not say where it was created", func(f *fixture) { f.server.Annotations = nil }, 409, "another namespace"},
		{"one whose namespace is being deleted", func(f *fixture) {
			f.namespace.DeletionTimestamp, f.namespace.Finalizers = ptr.To(metav1.Now()), []string{"kubernetes"}
		}, 409, "its namespace is being deleted"},
		{"one without its Secret", func(f *fixture) { f.secret.Name = "" }, 409, "there is no Secret files-jwt-secret"},
		{"one whose Secret has another key", func(f *fixture) { f.secret.Data = map[string][]byte{"other": []byte(jwtSecret)} }, 409, "has no key " + render.JWTSecretKey},
		{"one whose secret is too short", func(f *fixture) { f.secret.Data[render.JWTSecretKey] = []byte(jwtSecret[1:]) }, 409, "shorter than 32 bytes"},
		{"any, without the right to Secrets", func(f *fixture) { f.refuses = "secrets" }, 503, "ClusterRole dittofs-apiserver"},
		{"any, without the right to namespaces", func(f *fixture) { f.refuses = "namespaces" }, 503, "look up its namespace"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			tt.spoil(f)
			token, _, err := f.ready().issue()
			if token != "" || !says(err, tt.code, tt.words) || strings.Contains(err.Error(), jwtSecret[1:]) {
				t.Errorf("signed %q: %v", token, err)
			}
		})
	}
}

func TestOnlyTheServersOwnPodIsDialled(t *testing.T) {
	t.Run("at its own address, whatever the name in the URL is", func(t *testing.T) {
		f := newFixture(t).ready()
		res, err := f.get()
		if err != nil || f.reached != 1 {
			t.Fatalf("reached %d times: %v", f.reached, err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusFound || res.Request.URL.Hostname() != "files-api.team.svc" {
			t.Errorf("%d of %s: a redirect is not followed", res.StatusCode, res.Request.URL)
		}
	})
	tests := []struct {
		name  string
		spoil func(f *fixture)
		code  int32
		words string
	}{
		{"one of nobody", func(f *fixture) { f.pod.OwnerReferences = nil }, 503, "no running pod of its own"},
		{"one of an earlier StatefulSet", func(f *fixture) { f.pod.OwnerReferences[0].UID = "earlier" }, 503, "no running pod of its own"},
		{"one that has an owner, which does not control it", func(f *fixture) { f.pod.OwnerReferences[0].Controller = nil }, 503, "no running pod of its own"},
		{"one that ended", func(f *fixture) { f.pod.Status.Phase = corev1.PodFailed }, 503, "no running pod of its own"},
		{"one that is being deleted", func(f *fixture) {
			f.pod.DeletionTimestamp, f.pod.Finalizers = ptr.To(metav1.Now()), []string{"a/b"}
		}, 503, "no running pod of its own"},
		{"one without an address", func(f *fixture) { f.pod.Status.PodIP = "" }, 503, "no running pod of its own"},
		{"none", func(f *fixture) { f.pod.Name = "" }, 503, "no running pod of its own"},
		{"none, without a StatefulSet", func(f *fixture) { f.set.Name = "" }, 503, "no running pod of its own"},
		{"one in another namespace of the name", func(f *fixture) { f.namespace.UID = "another" }, 409, "another namespace"},
		{"one that does not listen", func(f *fixture) { f.pod.Spec.Containers[0].Ports[0].ContainerPort = 1 }, 503, "connection refused"},
		{"one with TLS and without its Secret", func(f *fixture) {
			f.pod.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "tls", MountPath: "/tls"}}
			f.pod.Spec.Volumes = []corev1.Volume{{Name: "tls", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "files-tls"}}}}
		}, 503, "there is no Secret files-tls"},
		{"any, without the right to pods", func(f *fixture) { f.refuses = "pods" }, 503, "ClusterRole dittofs-apiserver"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			tt.spoil(f)
			res, err := f.ready().get()
			if res != nil {
				_ = res.Body.Close()
			}
			if !says(err, tt.code, tt.words) || f.reached > 0 || strings.Contains(err.Error(), "127.0.0.1") {
				t.Errorf("reached %d times: %v", f.reached, err)
			}
		})
	}
	t.Run("or what the URL template says", func(t *testing.T) {
		f := newFixture(t).ready()
		f.access.URLTemplate = "http://gw.example/{namespace}/{name}"
		base, _, err := f.access.Dial(t.Context(), f.server)
		if err != nil || base.String() != "http://gw.example/team/files" {
			t.Errorf("%v: %v", base, err)
		}
	})
}

func TestAServerThatGivesNoAnswerIsATimeout(t *testing.T) {
	f := newFixture(t).ready()
	_, transport, err := f.access.Dial(t.Context(), f.server)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://files-api.team.svc/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := transport.RoundTrip(req)
	if res != nil {
		_ = res.Body.Close()
	}
	if !says(err, http.StatusGatewayTimeout, "gave no answer in time") {
		t.Errorf("answered %v", err)
	}
}

func TestTheEventOfAToken(t *testing.T) {
	f := newFixture(t).ready()
	if err := f.access.Issued(t.Context(), f.server, strings.Repeat("x", 2000)); err != nil {
		t.Fatal(err)
	}
	var events []*eventsv1.Event
	for _, action := range f.client.Actions() {
		if create, ok := action.(clienttesting.CreateAction); ok {
			events = append(events, create.GetObject().(*eventsv1.Event))
		}
	}
	if len(events) != 1 || events[0].Reason != ReasonCredentialsIssued || events[0].Regarding.UID != "server-uid" || events[0].Regarding.Kind != "DittoServer" || len(events[0].Note) != 1024 {
		t.Errorf("wrote %+v", events)
	}
	// A dot at the end, as in the names that client-go makes, is none of a generated name.
	if errs := apivalidation.NameIsDNSSubdomain(events[0].GenerateName, true); len(errs) > 0 {
		t.Errorf("the host cluster refuses the name %q: %v", events[0].GenerateName, errs)
	}
	f.refuses = "events"
	if err := f.access.Issued(t.Context(), f.server, "x"); err == nil {
		t.Error("an event that is refused is none")
	}
}
