// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package podfields

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// containerName is that of the real pod: messages of checks and annotations of
// AppArmor name it.
const containerName = "dittofs"

// fieldsOf is a pod of what the user wrote and nothing else, so that the indexes
// of lists are theirs. The image is not a part of it: any text is one.
func fieldsOf(spec *dittofsv1alpha1.DittoServerSpec) corev1.PodTemplateSpec {
	container := corev1.Container{
		Name:            containerName,
		ImagePullPolicy: spec.ImagePullPolicy,
		Env:             spec.ExtraEnv,
		VolumeMounts:    spec.ExtraVolumeMounts,
		SecurityContext: spec.SecurityContext,
	}
	if spec.Resources != nil {
		container.Resources = *spec.Resources
	}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: spec.PodLabels, Annotations: spec.PodAnnotations},
		Spec: corev1.PodSpec{
			Containers:                []corev1.Container{container},
			Volumes:                   spec.ExtraVolumes,
			SecurityContext:           spec.PodSecurityContext,
			ImagePullSecrets:          spec.ImagePullSecrets,
			ServiceAccountName:        spec.ServiceAccountName,
			PriorityClassName:         spec.PriorityClassName,
			NodeSelector:              spec.NodeSelector,
			Tolerations:               spec.Tolerations,
			Affinity:                  spec.Affinity,
			TopologySpreadConstraints: spec.TopologySpreadConstraints,
		},
	}
}

// podTemplate is what the host is asked to check. Nothing acts on a PodTemplate,
// and a dry run stores none. It has the security contexts of the real pod: with
// less, the host would warn of what the pod does not do.
func podTemplate(spec *dittofsv1alpha1.DittoServerSpec) *corev1.PodTemplate {
	template := withDefaults(fieldsOf(spec))
	template.Spec.Containers[0].Image = spec.Image
	return &corev1.PodTemplate{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "dittofs-admission-"},
		Template:   template,
	}
}

// withDefaults adds what the package render sets where the user sets nothing, as
// far as checks look at it.
func withDefaults(template corev1.PodTemplateSpec) corev1.PodTemplateSpec {
	template = *template.DeepCopy()
	pod := template.Spec.SecurityContext
	if pod == nil {
		pod = &corev1.PodSecurityContext{}
		template.Spec.SecurityContext = pod
	}
	fallback(&pod.RunAsNonRoot, true)
	if pod.SeccompProfile == nil {
		pod.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
	container := template.Spec.Containers[0].SecurityContext
	if container == nil {
		container = &corev1.SecurityContext{}
		template.Spec.Containers[0].SecurityContext = container
	}
	fallback(&container.AllowPrivilegeEscalation, false)
	if container.Capabilities == nil {
		container.Capabilities = &corev1.Capabilities{}
	}
	if container.Capabilities.Drop == nil {
		container.Capabilities.Drop = []corev1.Capability{"ALL"}
	}
	return template
}

func fallback(field **bool, value bool) {
	if *field == nil {
		*field = &value
	}
}
