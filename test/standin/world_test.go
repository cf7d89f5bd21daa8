// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

const (
	testNamespace = "team"
	testName      = "demo"
	testSecret    = "0123456789abcdef0123456789abcdef"
	testPassword  = "correct horse"
	testConfig    = `
logging: {level: INFO, format: json, output: stdout}
database: {type: sqlite, sqlite: {path: /data/controlplane/controlplane.db}}
controlplane: {host: 0.0.0.0, port: 8080, write_timeout: 120s}
`
)

// world is a cluster with one server called demo, the stand-in following it, and a clock.
type world struct {
	t      *testing.T
	client *fake.Clientset
	server *Server
	url    string

	mu  sync.Mutex
	now time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, client: fake.NewClientset(), now: time.Now()}
	var err error
	w.server, err = New(Options{Client: w.client, Now: w.clock, RetryMin: time.Millisecond, RetryMax: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.server.Run(ctx) }()
	web := httptest.NewUnstartedServer(w.server)
	web.Listener = w.server.Listener(web.Listener)
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.Start()
	t.Cleanup(func() {
		w.server.ClearFault(testNamespace, testName) // lets hanging requests end
		web.Close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	w.url = web.URL
	w.wait("the pods are known", func() bool { w.server.mu.Lock(); defer w.server.mu.Unlock(); return w.server.synced })
	w.put(&corev1.ConfigMap{ObjectMeta: meta("demo-config"), Data: map[string]string{"config.yaml": testConfig}})
	w.put(&corev1.Secret{ObjectMeta: meta("demo-jwt-secret"), Data: map[string][]byte{"jwt-secret": []byte(testSecret)}})
	w.put(&corev1.Secret{ObjectMeta: meta("demo-admin"), Data: map[string][]byte{"password": []byte(testPassword)}})
	w.putClaim("claim-1")
	return w
}

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: testNamespace}
}

func (w *world) clock() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }

func (w *world) advance(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.now = w.now.Add(d) }

// put creates or replaces an object.
func (w *world) put(obj any) {
	w.t.Helper()
	ctx := w.t.Context()
	var err error
	switch o := obj.(type) {
	case *corev1.ConfigMap:
		_ = w.client.CoreV1().ConfigMaps(testNamespace).Delete(ctx, o.Name, metav1.DeleteOptions{})
		_, err = w.client.CoreV1().ConfigMaps(testNamespace).Create(ctx, o, metav1.CreateOptions{})
	case *corev1.Secret:
		_ = w.client.CoreV1().Secrets(testNamespace).Delete(ctx, o.Name, metav1.DeleteOptions{})
		_, err = w.client.CoreV1().Secrets(testNamespace).Create(ctx, o, metav1.CreateOptions{})
	case *corev1.Service:
		_, err = w.client.CoreV1().Services(testNamespace).Create(ctx, o, metav1.CreateOptions{})
	default:
		err = errors.New("unknown kind")
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) putClaim(uid string) {
	w.t.Helper()
	claims := w.client.CoreV1().PersistentVolumeClaims(testNamespace)
	_ = claims.Delete(w.t.Context(), "controlplane-demo-0", metav1.DeleteOptions{})
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: meta("controlplane-demo-0")}
	claim.UID = types.UID(uid)
	if _, err := claims.Create(w.t.Context(), claim, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
}

func demoPod(uid string) *corev1.Pod {
	fromSecret := func(env, secret, key string) corev1.EnvVar {
		return corev1.EnvVar{Name: env, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: secret}, Key: key}}}
	}
	pod := &corev1.Pod{ObjectMeta: meta("demo-0")}
	pod.UID = types.UID(uid)
	pod.Labels = map[string]string{"app": "dittofs-server", "instance": testName}
	pod.Spec.EnableServiceLinks = new(bool)
	pod.Spec.Containers = []corev1.Container{{
		Name: "dittofs",
		Env: []corev1.EnvVar{
			fromSecret("DITTOFS_CONTROLPLANE_SECRET", "demo-jwt-secret", "jwt-secret"),
			fromSecret("DITTOFS_ADMIN_INITIAL_PASSWORD", "demo-admin", "password"),
		},
		VolumeMounts: []corev1.VolumeMount{
			{Name: "controlplane", MountPath: "/data/controlplane"}, {Name: "config", MountPath: "/config"},
		},
	}}
	pod.Spec.Volumes = []corev1.Volume{
		{Name: "controlplane", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "controlplane-demo-0"}}},
		{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "demo-config"}}}},
	}
	return setReady(pod, true)
}

func setReady(pod *corev1.Pod, ready bool) *corev1.Pod {
	status := corev1.ConditionFalse
	if ready {
		status = corev1.ConditionTrue
	}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: status}}
	return pod
}

// run replaces the pod and waits for the server to reach a state with it.
func (w *world) run(pod *corev1.Pod, state string) ServerStatus {
	w.t.Helper()
	pods := w.client.CoreV1().Pods(testNamespace)
	_ = pods.Delete(w.t.Context(), pod.Name, metav1.DeleteOptions{})
	if _, err := pods.Create(w.t.Context(), pod, metav1.CreateOptions{}); err != nil {
		w.t.Fatal(err)
	}
	return w.waitFor(string(pod.UID), state)
}

func (w *world) waitFor(podUID, state string) (found ServerStatus) {
	w.t.Helper()
	w.wait("pod "+podUID+" is "+state, func() bool {
		for _, s := range w.server.Servers() {
			if s.Name == testName && s.PodUID == podUID && s.State == state {
				found = s
				return true
			}
		}
		return false
	})
	return found
}

func (w *world) wait(what string, condition func() bool) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	if err := w.server.WaitFor(ctx, condition); err != nil {
		w.t.Fatalf("waiting until %s: %v; servers: %+v", what, err, w.server.Servers())
	}
}

// token is one that a controller would sign.
func (w *world) token(secret string, role dfs.Role) string {
	w.t.Helper()
	token, err := dfs.SignToken([]byte(secret), dfs.Claims{Username: "dittofs-controller:1", Role: role, TTL: time.Minute, Now: w.clock()})
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// dfs returns a client whose tokens are signed with that secret.
func (w *world) dfs(secret string) *dfs.Client {
	w.t.Helper()
	c, err := dfs.New(w.url+"/"+testNamespace+"/"+testName, dfs.Options{Token: func(context.Context) (string, error) {
		return w.token(secret, dfs.RoleAdmin), nil
	}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.CloseIdleConnections)
	return c
}

// response is an answer as a test looks at it.
type response struct {
	code        int
	contentType string
	header      http.Header
	body        string
	object      map[string]any
}

// try sends a request to the server; an error means that there was no answer.
func (w *world) try(method, path, token string, body any) (response, error) {
	w.t.Helper()
	var payload io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		payload = strings.NewReader(b)
	default:
		encoded, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		payload = bytes.NewReader(encoded)
	}
	if !strings.HasPrefix(path, "/_standin") {
		path = "/" + testNamespace + "/" + testName + path
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, payload)
	if err != nil {
		w.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return response{}, err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		return response{}, err
	}
	r := response{code: res.StatusCode, contentType: res.Header.Get("Content-Type"), header: res.Header, body: string(content)}
	_ = json.Unmarshal(content, &r.object)
	return r, nil
}

// ask is try for requests that must get an answer.
func (w *world) ask(method, path, token string, body any) response {
	w.t.Helper()
	r, err := w.try(method, path, token, body)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) admin() string { return w.token(testSecret, dfs.RoleAdmin) }
