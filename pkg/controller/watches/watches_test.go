// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package watches

import (
	"reflect"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/event"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

func TestOnlyOurManagedFieldsStay(t *testing.T) {
	ours := metav1.ManagedFieldsEntry{Manager: dittofsv1alpha1.FieldManager, Operation: metav1.ManagedFieldsOperationApply}
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{
		{Manager: "kubectl", Operation: metav1.ManagedFieldsOperationApply}, ours,
		{Manager: dittofsv1alpha1.FieldManager, Operation: metav1.ManagedFieldsOperationUpdate},
	}}}
	if _, err := keepOurFields(cm); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(cm.ManagedFields, []metav1.ManagedFieldsEntry{ours}) {
		t.Errorf("left are %+v", cm.ManagedFields)
	}
}

func TestASlimPodKeepsWhatIsRead(t *testing.T) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "files-0", Labels: map[string]string{"a": "b"}, ManagedFields: []metav1.ManagedFieldsEntry{{}}},
		Spec: corev1.PodSpec{NodeName: "n", Volumes: []corev1.Volume{{Name: "v"}}, Containers: []corev1.Container{{
			Name: "dittofs", Image: "i", Env: []corev1.EnvVar{{Name: "E"}}, Ports: []corev1.ContainerPort{{ContainerPort: 8080}}}}},
		Status: corev1.PodStatus{PodIP: "10.0.0.1"},
	}
	want := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "files-0", Labels: map[string]string{"a": "b"}},
		Spec:       corev1.PodSpec{NodeName: "n", Containers: []corev1.Container{{Name: "dittofs", Image: "i", Ports: []corev1.ContainerPort{{ContainerPort: 8080}}}}},
		Status:     corev1.PodStatus{PodIP: "10.0.0.1"},
	}
	for range 2 {
		if _, err := slimPod(pod); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(pod, want) {
			t.Errorf("left is %+v", pod)
		}
	}
}

func TestTransformsLetTombstonesPass(t *testing.T) {
	for _, transform := range []func(any) (any, error){keepOurFields, dropManagedFields, slimMetadata, slimPod} {
		if out, err := transform("tombstone"); err != nil || out != "tombstone" {
			t.Errorf("got %v, %v", out, err)
		}
	}
}

func TestSecretNames(t *testing.T) {
	server := &dittofsv1alpha1.DittoServer{ObjectMeta: metav1.ObjectMeta{Name: "files"}}
	if got, want := SecretNames(server), []string{"files-admin-bootstrap-credentials", "files-jwt-secret"}; !slices.Equal(got, want) {
		t.Errorf("generated: got %v, want %v", got, want)
	}
	server.Spec.Identity.JWT.SecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "one", Key: "a"}
	server.Spec.Identity.Admin.PasswordSecretRef = &dittofsv1alpha1.SecretKeyReference{Name: "one", Key: "b"}
	server.Spec.Database.PostgresSecretRef = &dittofsv1alpha1.SecretReference{Name: "pg"}
	if got, want := SecretNames(server), []string{"one", "pg"}; !slices.Equal(got, want) {
		t.Errorf("referenced: got %v, want %v", got, want)
	}
}

func TestNamespaceChanged(t *testing.T) {
	now := metav1.Now()
	plain := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{UID: "a"}}
	labelled := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{UID: "a", Labels: map[string]string{"x": "y"}}}
	going := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{UID: "a", DeletionTimestamp: &now}}
	other := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{UID: "b"}}
	for name, tt := range map[string]struct {
		to   *metav1.PartialObjectMetadata
		want bool
	}{"a label does not count": {labelled, false}, "the begin of the end does": {going, true}, "another UID does": {other, true}} {
		e := event.TypedUpdateEvent[*metav1.PartialObjectMetadata]{ObjectOld: plain, ObjectNew: tt.to}
		if got := NamespaceChanged().Update(e); got != tt.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestAServerIsFoundByTheLabelOfItsObjects(t *testing.T) {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "a", Labels: map[string]string{dittofsv1alpha1.LabelServer: "files"}}}
	if got := serverNames(service); !slices.Equal(got, []string{"files"}) {
		t.Errorf("the index has %v", got)
	}
	service.Labels = nil
	if got := serverNames(service); len(got) != 0 {
		t.Errorf("the index has %v of an object without the label", got)
	}
}
