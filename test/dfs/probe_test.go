// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
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
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
	"github.com/dittofs/dittofs-apiserver/test/standin/certs"
)

// cluster is what the probe sees around a server: only the server is real.
type cluster struct {
	*server
	c     client.Client
	p     *dfsprobe.Prober
	clock *testclock.FakeClock
}

func newCluster(s *server) *cluster {
	s.t.Helper()
	scheme := runtime.NewScheme()
	s.must(clientgoscheme.AddToScheme(scheme))
	s.must(dittofsv1alpha1.Install(scheme))
	s.object.Annotations = map[string]string{dittofsv1alpha1.AnnotationNamespaceUID: "namespace-uid"}
	set := &appsv1.StatefulSet{ObjectMeta: meta(render.StatefulSetName(name))}
	set.UID = "set-uid"
	set.Spec.Template.Spec.Containers = []corev1.Container{{Name: render.ContainerName}}
	if secret := s.object.Spec.ControlPlane.CertSecretName; secret != "" {
		set.Spec.Template.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "tls", MountPath: "/tls"}}
		set.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "tls", VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: secret}}}}
	}
	pod := &corev1.Pod{ObjectMeta: meta(render.PodName(name))}
	pod.UID = "pod-uid"
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: set.Name, UID: set.UID, Controller: ptr.To(true)}}
	pod.Spec.Containers = []corev1.Container{{Name: render.ContainerName, Ports: []corev1.ContainerPort{{ContainerPort: *s.object.Spec.ControlPlane.Port}}}}
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "127.0.0.1",
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace, UID: "namespace-uid"}}
	jwt := &corev1.Secret{ObjectMeta: meta(render.JWTSecretName(name)), Data: map[string][]byte{render.JWTSecretKey: []byte(s.secret)}}
	c := &cluster{server: s, clock: testclock.NewFakeClock(time.Now())}
	c.c = fake.NewClientBuilder().WithScheme(scheme).WithObjects(s.object.DeepCopy(), set, pod, ns, jwt).Build()
	c.p = &dfsprobe.Prober{
		Servers: c.c, Host: c.c, Live: c.c, Dial: dfsprobe.DialPod(10 * time.Second), Interval: dfsprobe.DefaultInterval, Clock: c.clock,
		Store: dfsprobe.NewStore(), Changed: func(context.Context, types.NamespacedName) {},
	}
	return c
}

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

func (c *cluster) putSecret(name string, data map[string]string) {
	c.t.Helper()
	c.must(c.c.Create(c.t.Context(), &corev1.Secret{ObjectMeta: meta(name), Data: certs.Data(data)}))
}

func (c *cluster) edit(change func(*dittofsv1alpha1.DittoServer)) {
	c.t.Helper()
	object := &dittofsv1alpha1.DittoServer{}
	c.must(c.c.Get(c.t.Context(), types.NamespacedName{Namespace: namespace, Name: name}, object))
	change(object)
	c.must(c.c.Update(c.t.Context(), object))
}

// probe lets one round come.
func (c *cluster) probe() dfsprobe.Observation {
	c.t.Helper()
	c.clock.SetTime(time.Now())
	key := types.NamespacedName{Namespace: namespace, Name: name}
	_, err := c.p.Reconcile(c.t.Context(), reconcile.Request{NamespacedName: key})
	c.must(err)
	o, _ := c.p.Store.Get(key)
	return o
}

// ask calls a route that the client of the project does not need.
func (s *server) ask(method, path string, body any) {
	s.t.Helper()
	text, err := json.Marshal(body)
	s.must(err)
	req, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.address()+"/api/v1"+path, bytes.NewReader(text))
	s.must(err)
	token, err := dfs.SignToken([]byte(s.secret), dfs.Claims{Username: "test", Role: dfs.RoleAdmin, TTL: time.Minute, Now: time.Now()})
	s.must(err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	s.must(err)
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	if res.StatusCode > 299 {
		s.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, answer)
	}
}
