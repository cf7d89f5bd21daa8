// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func TestWhatSomebodyChangesByHandIsPutBack(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	kubectl := cluster.Admin.Kubectl(s.namespace)
	config := s.config(t)
	for _, drift := range []struct {
		name    string
		change  []string
		putBack func(t *testing.T) error
	}{
		{
			"the port of the Service",
			[]string{"patch", "service", "files-api", "--type=json", `-p=[{"op":"replace","path":"/spec/ports/0/port","value":9999}]`},
			func(t *testing.T) error { return equal(s.service(t).Spec.Ports[0].Port, 8080) },
		},
		{
			"a label of the StatefulSet",
			[]string{"label", "statefulset", "files", "instance=other", "--overwrite"},
			func(t *testing.T) error {
				return equal(s.statefulSet(t).Labels[dittofsv1alpha1.LabelInstance], "files")
			},
		},
		{
			"the label by which we find the Service",
			[]string{"label", "service", "files-api", "app.kubernetes.io/managed-by-"},
			func(t *testing.T) error {
				return equal(s.service(t).Labels[dittofsv1alpha1.LabelManagedBy], dittofsv1alpha1.ManagedBy)
			},
		},
		{
			"the replicas of the StatefulSet",
			[]string{"scale", "statefulset", "files", "--replicas=0"},
			func(t *testing.T) error { return equal(*s.statefulSet(t).Spec.Replicas, 1) },
		},
		{
			"the configuration",
			[]string{"patch", "configmap", "files-config", "--type=merge", `-p={"data":{"config.yaml":"logging: {level: DEBUG}"}}`},
			func(t *testing.T) error { return equal(s.config(t), config) },
		},
		{
			"the image of the container",
			[]string{"set", "image", "statefulset/files", "dittofs=example.com/other:1"},
			func(t *testing.T) error {
				return equal(s.statefulSet(t).Spec.Template.Spec.Containers[0].Image, s.get(t).Spec.Image)
			},
		},
	} {
		t.Run(drift.name, func(t *testing.T) {
			kubectl.Run(t, drift.change...)
			harness.Eventually(t, drift.name+" is put back", func(context.Context) error { return drift.putBack(t) })
		})
	}
	s.awaitReady(t)
}

func equal[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	return nil
}

func TestFieldsOfOthersStay(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	kubectl := cluster.Admin.Kubectl(s.namespace)
	objects := []string{"statefulset/files", "service/files-api", "service/files-headless", "configmap/files-config"}
	for _, object := range objects {
		kubectl.Run(t, "annotate", object, "example.com/owner=somebody")
		kubectl.Run(t, "label", object, "example.com/team=storage")
	}
	pod := s.pod(t)
	// An edit makes us apply all of them anew.
	s.patch(t, `{"spec":{"logging":{"level":"WARN"},"service":{"annotations":{"example.com/ours":"yes"}}}}`)
	s.awaitNewPod(t, pod)
	s.awaitReady(t)
	for _, object := range objects {
		got := kubectl.Run(t, "get", object, `-o=jsonpath={.metadata.annotations.example\.com/owner} {.metadata.labels.example\.com/team}`)
		if got != "somebody storage" {
			t.Errorf("%s lost what somebody else put there: %q", object, got)
		}
	}
	// What we put there we take away again.
	s.patch(t, `{"spec":{"service":{"annotations":null}}}`)
	s.awaitReady(t)
	annotations := s.service(t).Annotations
	if _, ours := annotations["example.com/ours"]; ours || annotations["example.com/owner"] != "somebody" {
		t.Errorf("the annotations of the Service are %v", annotations)
	}
}

func TestAStatefulSetThatSomebodyDeletesIsMadeAnew(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	set, pod := s.statefulSet(t), s.pod(t)
	data := s.parts(t).without("configmaps/", "pods/", "services/", "statefulsets/")
	cluster.Admin.Kubectl(s.namespace).Run(t, "delete", "statefulset", "files")
	s.awaitNewPod(t, pod)
	s.awaitReady(t)
	if now := s.statefulSet(t); now.UID == set.UID {
		t.Error("the StatefulSet is the old one")
	}
	for name, before := range data {
		if after, ok := s.parts(t)[name]; !ok || after.UID != before.UID {
			t.Errorf("%s is gone or another one", name)
		}
	}
}

// A pod that is lost comes back, and nothing else happens.
func TestALostPodComesBackAsItWas(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	pod, before := s.pod(t), s.parts(t)
	cluster.Admin.Kubectl(s.namespace).Run(t, "delete", "pod", "files-0")
	now := s.awaitNewPod(t, pod)
	s.awaitReady(t)
	before.without("pods/").compare(t, s.parts(t).without("pods/"), func(m metav1.ObjectMeta) string {
		return fmt.Sprintf("UID %s, generation %d", m.UID, m.Generation)
	})
	if a, b := pod.Annotations[dittofsv1alpha1.AnnotationConfigHash], now.Annotations[dittofsv1alpha1.AnnotationConfigHash]; a != b || a == "" {
		t.Errorf("the config hash of the pod is %q, was %q", b, a)
	}
}
