// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Those that the DittoFS operator deletes are in scenario 5.
func TestObjectsOfOthersUnderOurNamesAreLeftAlone(t *testing.T) {
	t.Parallel()
	foreign := metav1.ObjectMeta{Labels: map[string]string{"instance": "files"}}
	for _, c := range []struct {
		name      string
		create    func(t *testing.T, namespace string) error
		object    string
		condition string
	}{
		{"a ConfigMap", func(t *testing.T, namespace string) error {
			object := &corev1.ConfigMap{ObjectMeta: foreign, Data: map[string]string{"config.yaml": "mine"}}
			object.Name = "files-config"
			_, err := cluster.Admin.Kube.CoreV1().ConfigMaps(namespace).Create(t.Context(), object, metav1.CreateOptions{FieldManager: "somebody"})
			return err
		}, "configmaps/files-config", dittofsv1alpha1.ConditionConfigReady},
		{"a Service", func(t *testing.T, namespace string) error {
			object := &corev1.Service{ObjectMeta: foreign, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}
			object.Name = "files-api"
			_, err := cluster.Admin.Kube.CoreV1().Services(namespace).Create(t.Context(), object, metav1.CreateOptions{FieldManager: "somebody"})
			return err
		}, "services/files-api", dittofsv1alpha1.ConditionAvailable},
		{"a Secret", func(t *testing.T, namespace string) error {
			object := &corev1.Secret{ObjectMeta: foreign, StringData: map[string]string{"jwt-secret": strings.Repeat("x", 32)}}
			object.Name = "files-jwt-secret"
			_, err := cluster.Admin.Kube.CoreV1().Secrets(namespace).Create(t.Context(), object, metav1.CreateOptions{FieldManager: "somebody"})
			return err
		}, "secrets/files-jwt-secret", dittofsv1alpha1.ConditionConfigReady},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := subject{cluster.Namespace(t), "files"}
			if err := c.create(t, s.namespace); err != nil {
				t.Fatal(err)
			}
			before := s.parts(t)
			cluster.CreateDittoServer(t, s.namespace, s.name)
			message := s.awaitCondition(t, c.condition, metav1.ConditionFalse, "NameConflict")
			_, name, _ := strings.Cut(c.object, "/")
			if !strings.Contains(message, name) || !strings.Contains(message, "somebody") && !strings.Contains(message, "Secret") {
				t.Errorf("the message names neither the object nor who wrote it: %s", message)
			}
			s.awaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "NameConflict")
			now := parts{c.object: s.parts(t)[c.object]}
			before.compare(t, now, func(m metav1.ObjectMeta) string { return m.ResourceVersion + string(m.UID) })

			// A delete of the server does not touch it either.
			cluster.Admin.Kubectl(s.namespace).Run(t, "delete", "dittoserver", s.name, "--timeout=3m")
			before.compare(t, parts{c.object: s.parts(t)[c.object]}, func(m metav1.ObjectMeta) string { return m.ResourceVersion + string(m.UID) })
		})
	}
}

func TestAServerRecoversWhenTheObjectInItsWayIsGone(t *testing.T) {
	t.Parallel()
	s := subject{cluster.Namespace(t), "files"}
	cluster.Admin.Kubectl(s.namespace).Run(t, "create", "configmap", "files-config", "--from-literal=config.yaml=mine")
	cluster.CreateDittoServer(t, s.namespace, s.name)
	s.awaitCondition(t, dittofsv1alpha1.ConditionReady, metav1.ConditionFalse, "NameConflict")
	if slices.Contains(s.parts(t).names(), "statefulsets/files") {
		t.Error("a StatefulSet exists, whose pod would read somebody else's configuration")
	}
	cluster.Admin.Kubectl(s.namespace).Run(t, "delete", "configmap", "files-config")
	// Objects without our labels are not watched: it looks again every two minutes.
	s.awaitReadyWithin(t, 3*time.Minute)
}
