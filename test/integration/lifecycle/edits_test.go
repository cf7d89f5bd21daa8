// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestAnEditOfWhatDFSReadsAtItsStartIsOneRollout(t *testing.T) {
	t.Parallel()
	for _, edit := range []struct {
		name, patch string
		hashChanges bool
		check       func(t *testing.T, s subject, pod *corev1.Pod) error
	}{
		{"of the log level", `{"spec":{"logging":{"level":"DEBUG"}}}`, true, func(t *testing.T, s subject, _ *corev1.Pod) error {
			return equal(strings.Contains(s.config(t), "level: DEBUG"), true)
		}},
		{"of the port", `{"spec":{"controlPlane":{"port":9090}}}`, true, func(t *testing.T, s subject, pod *corev1.Pod) error {
			if err := equal(s.service(t).Spec.Ports[0].Port, 9090); err != nil {
				return err
			}
			return equal(pod.Spec.Containers[0].Ports[0].ContainerPort, 9090)
		}},
		{"of the image", `{"spec":{"image":"marmos91c/dittofs:v0.30.0"}}`, false, func(_ *testing.T, _ subject, pod *corev1.Pod) error {
			return equal(pod.Spec.Containers[0].Image, "marmos91c/dittofs:v0.30.0")
		}},
	} {
		t.Run(edit.name, func(t *testing.T) {
			t.Parallel()
			s := newSubject(t)
			pod, set, hash := s.pod(t), s.statefulSet(t), s.get(t).Status.ConfigHash
			s.patch(t, edit.patch)
			now := s.awaitNewPod(t, pod)
			s.awaitReady(t)
			awaitControllers(t)
			after := s.statefulSet(t)
			if after.UID != set.UID || after.Generation != set.Generation+1 {
				t.Errorf("the StatefulSet has UID %s and generation %d, had %s and %d", after.UID, after.Generation, set.UID, set.Generation)
			}
			if n := rollouts(t, s.namespace); n != 2 {
				t.Errorf("the pods had %d revisions, want the first and one for the edit", n)
			}
			if changed := s.get(t).Status.ConfigHash != hash; changed != edit.hashChanges {
				t.Errorf("the config hash changed: %v, want %v", changed, edit.hashChanges)
			}
			if err := edit.check(t, s, now); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnEditThatDFSDoesNotReadRestartsNothing(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	before, hash := s.parts(t), s.get(t).Status.ConfigHash
	s.patch(t, `{"spec":{"service":{"type":"NodePort","annotations":{"example.com/lb":"internal"}}}}`)
	s.awaitReady(t)
	service := s.service(t)
	if service.Annotations["example.com/lb"] != "internal" || service.Spec.Type != corev1.ServiceTypeNodePort || service.Spec.Ports[0].NodePort == 0 {
		t.Errorf("the edit did not reach the Service: %v %+v", service.Annotations, service.Spec)
	}
	port := service.Spec.Ports[0].NodePort
	s.patch(t, `{"metadata":{"labels":{"example.com/a":"b"}},"spec":{"service":{"annotations":{"example.com/lb":"external"}}}}`)
	s.awaitReady(t)
	awaitControllers(t)
	if now := s.service(t).Spec.Ports[0].NodePort; now != port {
		t.Errorf("the node port, which the cluster chose, is %d and was %d", now, port)
	}
	// The StatefulSet notes in an annotation which edit it was made for; its spec stays.
	before.without("services/files-api", "statefulsets/").compare(t, s.parts(t).without("services/files-api", "statefulsets/"),
		func(m metav1.ObjectMeta) string { return m.ResourceVersion })
	if set := s.statefulSet(t); set.UID != before["statefulsets/files"].UID || set.Generation != before["statefulsets/files"].Generation {
		t.Errorf("the StatefulSet has UID %s and generation %d, had %+v", set.UID, set.Generation, before["statefulsets/files"])
	}
	if now := s.get(t).Status.ConfigHash; now != hash {
		t.Errorf("the config hash is %s, was %s", now, hash)
	}
}

func TestAServerIsStoppedAndStartedByScaling(t *testing.T) {
	t.Parallel()
	s := newSubject(t)
	data := s.parts(t).without("configmaps/", "pods/", "services/", "statefulsets/")
	kubectl := cluster.Admin.Kubectl(s.namespace)
	kubectl.Run(t, "scale", "dittoserver/files", "--replicas=0")
	s.awaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "Stopped")
	stopped := s.get(t)
	if stopped.Status.Phase != dittofsv1alpha1.PhaseStopped || stopped.Status.Replicas != 0 {
		t.Errorf("the status is %+v", stopped.Status)
	}
	for name := range s.parts(t) {
		if strings.HasPrefix(name, "pods/") {
			t.Errorf("%s is left of a stopped server", name)
		}
	}
	kubectl.Run(t, "scale", "dittoserver/files", "--replicas=1")
	s.awaitReady(t)
	data.compare(t, s.parts(t).without("configmaps/", "pods/", "services/", "statefulsets/"), func(m metav1.ObjectMeta) string { return string(m.UID) })
}
