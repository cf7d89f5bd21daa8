// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

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
	"k8s.io/apimachinery/pkg/util/wait"
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
	ahead time.Duration // of the controller's clock
}

// newCluster has what the namespace of a started server has.
func newCluster(s *server) *cluster {
	s.t.Helper()
	scheme := runtime.NewScheme()
	s.must(clientgoscheme.AddToScheme(scheme))
	s.must(dittofsv1alpha1.Install(scheme))
	object := s.object.DeepCopy()
	object.Annotations = map[string]string{dittofsv1alpha1.AnnotationNamespaceUID: "namespace-uid"}
	set := s.set.DeepCopy()
	set.UID = "set-uid"
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.object.Namespace, UID: "namespace-uid"}}
	objects := []client.Object{object, set, s.pod("pod-uid"), ns}
	for _, secret := range s.secretObjects() {
		objects = append(objects, secret)
	}
	c := &cluster{server: s, clock: testclock.NewFakeClock(time.Now())}
	c.c = fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
	c.restartController()
	return c
}

// restartController forgets what the prober knows.
func (c *cluster) restartController() {
	c.p = &dfsprobe.Prober{
		Servers: c.c, Host: c.c, Live: c.c, Dial: dfsprobe.DialPod(10 * time.Second), Interval: dfsprobe.DefaultInterval, Clock: c.clock,
		Store: dfsprobe.NewStore(), Changed: func(context.Context, types.NamespacedName) {},
	}
}

// pod is that of the StatefulSet, ready.
func (s *server) pod(uid types.UID) *corev1.Pod {
	template := s.template()
	pod := &corev1.Pod{ObjectMeta: s.meta(render.PodName(s.object.Name)), Spec: template.Spec}
	pod.UID, pod.Labels, pod.Annotations = uid, template.Labels, template.Annotations
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: s.set.Name, UID: "set-uid", Controller: ptr.To(true)}}
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: podIP,
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}}
	return pod
}

func (s *server) meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: s.object.Namespace, Name: name}
}

func (c *cluster) key() types.NamespacedName {
	return types.NamespacedName{Namespace: c.object.Namespace, Name: c.object.Name}
}

// putSecret creates or replaces a Secret in the cluster. What the pod has of it is another matter.
func (c *cluster) putSecret(name string, data map[string]string) {
	c.t.Helper()
	secret := &corev1.Secret{ObjectMeta: c.meta(name)}
	c.must(client.IgnoreNotFound(c.c.Delete(c.t.Context(), secret)))
	c.must(c.c.Create(c.t.Context(), &corev1.Secret{ObjectMeta: c.meta(name), Data: certs.Data(data)}))
}

// replacePod is what the StatefulSet controller does for a rollout, after the process has been started again.
func (c *cluster) replacePod(uid types.UID) {
	c.t.Helper()
	c.must(c.c.Delete(c.t.Context(), &corev1.Pod{ObjectMeta: c.meta(render.PodName(c.object.Name))}))
	c.must(c.c.Create(c.t.Context(), c.pod(uid)))
}

// hashed are the annotations of a template with another config hash.
func (c *cluster) hashed(hash string) map[string]string {
	return map[string]string{dittofsv1alpha1.AnnotationConfigHash: hash}
}

// rehash is what the controller does to the template when something that dfs reads at its start has changed.
func (c *cluster) rehash(hash string) {
	c.t.Helper()
	set := &appsv1.StatefulSet{}
	c.must(c.c.Get(c.t.Context(), types.NamespacedName{Namespace: c.object.Namespace, Name: c.set.Name}, set))
	set.Spec.Template.Annotations = c.hashed(hash)
	c.must(c.c.Update(c.t.Context(), set))
}

// edit changes the DittoServer in the cluster, and for the next start.
func (c *cluster) edit(change func(*dittofsv1alpha1.DittoServer)) {
	c.t.Helper()
	object := &dittofsv1alpha1.DittoServer{}
	c.must(c.c.Get(c.t.Context(), c.key(), object))
	change(object)
	c.must(c.c.Update(c.t.Context(), object))
	change(c.object)
}

// probe lets one round come.
func (c *cluster) probe() dfsprobe.Observation {
	c.t.Helper()
	c.clock.SetTime(time.Now().Add(c.ahead))
	_, err := c.p.Reconcile(c.t.Context(), reconcile.Request{NamespacedName: c.key()})
	c.must(err)
	o, _ := c.p.Store.Get(c.key())
	return o
}

// until lets rounds come until one sees what is waited for. dfs looks at its database every 5 s.
func (c *cluster) until(seen func(dfsprobe.Observation) bool) (o dfsprobe.Observation) {
	c.t.Helper()
	err := wait.PollUntilContextTimeout(c.t.Context(), 200*time.Millisecond, bootTime, true, func(context.Context) (bool, error) {
		c.ahead += dfsprobe.DefaultInterval + dfsprobe.DefaultInterval/2 // each round is due
		o = c.probe()
		return seen(o), nil
	})
	if err != nil {
		c.t.Fatalf("not seen: %v; last %+v", err, o)
	}
	return o
}

// ask calls a route that the client of the project does not need.
func (s *server) ask(method, path string, body any) []byte {
	s.t.Helper()
	text, err := json.Marshal(body)
	s.must(err)
	req, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.address()+"/api/v1"+path, bytes.NewReader(text))
	s.must(err)
	token, err := s.token(dfs.RoleAdmin)
	s.must(err)
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(req)
	s.must(err)
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	if res.StatusCode > 299 {
		s.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, answer)
	}
	return answer
}
