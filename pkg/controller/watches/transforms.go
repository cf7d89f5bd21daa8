// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package watches

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// keepOurFields drops the managed fields of others. Ours stay: without them nobody can tell what we applied.
func keepOurFields(in any) (any, error) {
	obj, err := meta.Accessor(in)
	if err != nil {
		return in, nil // a tombstone
	}
	// Nothing is written when nothing changes: on a resync the same object may come from the cache, with readers on it.
	var ours []metav1.ManagedFieldsEntry
	for _, entry := range obj.GetManagedFields() {
		if entry.Manager == dittofsv1alpha1.FieldManager && entry.Operation == metav1.ManagedFieldsOperationApply {
			ours = append(ours, entry)
		}
	}
	if len(ours) != len(obj.GetManagedFields()) {
		obj.SetManagedFields(ours)
	}
	return in, nil
}

func dropManagedFields(in any) (any, error) {
	if obj, err := meta.Accessor(in); err == nil && obj.GetManagedFields() != nil {
		obj.SetManagedFields(nil)
	}
	return in, nil
}

// slimMetadata keeps what identifies an object and its version, and its labels.
func slimMetadata(in any) (any, error) {
	obj, ok := in.(*metav1.PartialObjectMetadata)
	if !ok {
		return in, nil
	}
	if obj.ManagedFields != nil {
		obj.ManagedFields = nil
	}
	if obj.Annotations != nil {
		obj.Annotations = nil
	}
	return in, nil
}

// slimPod keeps what says where the pod is, whose it is, which ports it declares and what state it is in.
func slimPod(in any) (any, error) {
	pod, ok := in.(*corev1.Pod)
	if !ok || pod.ManagedFields == nil && len(pod.Spec.Volumes) == 0 && len(pod.Spec.InitContainers) == 0 {
		return in, nil
	}
	pod.ManagedFields = nil
	containers := make([]corev1.Container, 0, len(pod.Spec.Containers))
	for _, c := range pod.Spec.Containers {
		containers = append(containers, corev1.Container{Name: c.Name, Image: c.Image, Ports: c.Ports})
	}
	pod.Spec = corev1.PodSpec{NodeName: pod.Spec.NodeName, Containers: containers}
	return in, nil
}
