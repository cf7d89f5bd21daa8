// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package adoption_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// observed is for how long nothing may change before the window.
const observed = 2 * time.Minute

func TestTheMigrationPageMovesARunningServer(t *testing.T) {
	t.Parallel()
	runOperator(t)
	namespace := cluster.Namespace(t)
	s := subjectIn(t, namespace)
	s.editByHand(t)
	page := openPage(t, namespace)
	before := s.fixed(t)
	var printed string
	for _, step := range page.Of(t, "move") {
		printed = page.Run(t, step.Commands)
	}
	for _, want := range []string{"StatefulSet files (", "spec.template.spec.containers[dittofs].env[GODEBUG]", "ConfigMap files-config (data[config.yaml]", "dittofs.io/rollout=now"} {
		if !strings.Contains(printed, want) {
			t.Errorf("the last step prints %q, which does not mention %q", printed, want)
		}
	}
	s.awaitWaiting(t)
	from := time.Now()
	s.unchangedFor(t, observed, before)
	s.wantNoWrites(t, from.Add(20*time.Second))

	for _, step := range page.Of(t, "window") {
		page.Run(t, step.Commands)
	}
	s.awaitMoved(t)
	s.wantMoved(t, before)
	page.Run(t, page.Of(t, "cleanup")[0].Commands)

	// At rest after it, and still the same pod. What our server had to do is done when a server made after it is Ready.
	cluster.NewSubject(t)
	moved, rest := s.fixed(t), time.Now()
	s.unchangedFor(t, 20*time.Second, moved)
	s.wantNoWrites(t, rest.Add(5*time.Second))
}

// editByHand adds a variable and a mount as somebody did once, under a name that is not the operator's.
func (s subject) editByHand(t *testing.T) {
	t.Helper()
	service, err := cluster.Admin.Kube.CoreV1().Services(s.Namespace).Get(t.Context(), s.Name+"-adapter-nfs", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	service.Annotations = map[string]string{"cloud.example/load-balancer": "17"}
	if _, err = cluster.Admin.Kube.CoreV1().Services(s.Namespace).Update(t.Context(), service, metav1.UpdateOptions{FieldManager: "cloud-controller-manager"}); err != nil {
		t.Fatal(err)
	}
	set := s.StatefulSet(t)
	c := &set.Spec.Template.Spec.Containers[0]
	c.Env = append(c.Env, corev1.EnvVar{Name: "GODEBUG", Value: "http2client=0"})
	set.Spec.Template.Spec.Volumes = append(set.Spec.Template.Spec.Volumes, corev1.Volume{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: "scratch", MountPath: "/scratch"})
	if _, err = cluster.Admin.Kube.AppsV1().StatefulSets(s.Namespace).Update(t.Context(), set, metav1.UpdateOptions{FieldManager: "kubectl-edit"}); err != nil {
		t.Fatal(err)
	}
	s.kubectl(t, "rollout", "status", "statefulset", s.Name, "--timeout=90s")
}

// wantMoved checks what is there after the window.
func (s subject) wantMoved(t *testing.T, before fixed) {
	t.Helper()
	now := s.fixed(t)
	before.only("claim ", "secret ").want(t, now.only("claim ", "secret "))
	if now["pod files-0"] == before["pod files-0"] {
		t.Error("the pod was not restarted")
	}
	if n := len(now.only("revision ")); n != len(before.only("revision "))+1 {
		t.Errorf("there are %d revisions of the StatefulSet, there were %d", n, len(before.only("revision ")))
	}
	s.wantRollouts(t, 3, "the operator's first, that after the edit by hand, and ours")
	for _, name := range []string{"files-api", "files-headless", "files-adapter-nfs", "files-adapter-smb"} {
		s.wantAddresses(t, before, name)
	}
	set := s.StatefulSet(t)
	spec := set.Spec.Template.Spec
	c := spec.Containers[0]
	if len(spec.InitContainers) != 0 || len(c.Ports) != 1 || c.Lifecycle.PreStop.Exec != nil || c.LivenessProbe.InitialDelaySeconds != 0 ||
		slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == "GODEBUG" }) ||
		slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == "scratch" }) ||
		slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == "scratch" }) {
		t.Errorf("something is left of what was there: %+v", spec)
	}
	if c.Image != "marmos91c/dittofs:v0.29.0" || set.Spec.VolumeClaimTemplates[1].Name != "content" {
		t.Errorf("the image is %s, the claim templates are %+v", c.Image, set.Spec.VolumeClaimTemplates)
	}
	if p := set.Spec.UpdateStrategy.RollingUpdate; p == nil || p.Partition == nil || *p.Partition != 0 {
		t.Errorf("the update strategy is %+v", set.Spec.UpdateStrategy)
	}
	server, err := cluster.Admin.DittoServers(s.Namespace).Get(t.Context(), s.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if server.Annotations[dittofsv1alpha1.AnnotationRollout] != "" || server.Status.ConfigHash == "" {
		t.Errorf("the annotations are %v, the configuration %q", server.Annotations, server.Status.ConfigHash)
	}
}

// wantAddresses checks that a Service has the type, the addresses and the node ports that it had.
func (s subject) wantAddresses(t *testing.T, before fixed, name string) {
	t.Helper()
	var was struct {
		Content corev1.ServiceSpec `json:"content"`
	}
	if err := json.Unmarshal([]byte(before["service "+name]), &was); err != nil {
		t.Fatal(err)
	}
	service, err := cluster.Admin.Kube.CoreV1().Services(s.Namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	now := service.Spec
	if now.Type != was.Content.Type || !slices.Equal(now.ClusterIPs, was.Content.ClusterIPs) {
		t.Errorf("Service %s is %s at %v, was %s at %v", name, now.Type, now.ClusterIPs, was.Content.Type, was.Content.ClusterIPs)
	}
	kept := 0
	for _, p := range now.Ports {
		for _, old := range was.Content.Ports {
			if p.Port == old.Port && p.Protocol == old.Protocol {
				kept++
				if p.NodePort != old.NodePort {
					t.Errorf("Service %s has port %d at node port %d, had it at %d", name, p.Port, p.NodePort, old.NodePort)
				}
			}
		}
	}
	if kept == 0 {
		t.Errorf("Service %s has no port that it had", name)
	}
	if name == "files-adapter-nfs" && service.Annotations["cloud.example/load-balancer"] != "17" {
		t.Errorf("what the cloud wrote is gone: %v", service.Annotations)
	}
}

// wantNoWrites fails the test for each request of our server about this namespace since a moment that is no read. Events
// belong to what happened before.
func (s subject) wantNoWrites(t *testing.T, since time.Time) {
	t.Helper()
	requests := 0
	for _, request := range cluster.Requests(t, harness.ServerUser) {
		ref := request.ObjectRef
		if ref == nil || ref.Namespace != s.Namespace || request.RequestReceivedTimestamp.Time.Before(since) || request.Verb == "watch" {
			continue
		}
		requests++
		t.Errorf("at rest our server sends %s %s at %s", request.Verb, request.RequestURI, request.RequestReceivedTimestamp.Format(time.RFC3339))
	}
	t.Logf("%d requests of our server about %s since %s", requests, s.Namespace, since.Format(time.RFC3339))
}

// wantRollouts checks through how many revisions the pods went, and that we deleted none: each change of the template
// restarts the server once, and nothing else does.
func (s subject) wantRollouts(t *testing.T, want int, which string) {
	t.Helper()
	if n := cluster.Rollouts(t, s.Namespace); n != want {
		t.Errorf("there were pods of %d revisions: want %s", n, which)
	}
	for _, request := range cluster.CarriedOut(t, s.Namespace, "pods", "delete", "deletecollection") {
		if request.User.Username == harness.ServerUser {
			t.Errorf("our server deleted a pod: %s", request.RequestURI)
		}
	}
}
