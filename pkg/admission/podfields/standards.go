// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package podfields

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	podsecurity "k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// standards are the Pod Security Standards. They hold for every DittoServer,
// whatever the labels of its namespace say: a user who may not make pods gets
// one through us.
type standards struct{ evaluator policy.Evaluator }

func newStandards() (*standards, error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return nil, fmt.Errorf("checks of the Pod Security Standards: %w", err)
	}
	return &standards{evaluator}, nil
}

// violations are what baseline forbids. The checks of the library name no
// fields, so each field is looked at alone: what baseline forbids is forbidden
// wherever it stands, without regard to the other fields.
func (s *standards) violations(fields corev1.PodTemplateSpec) []metav1.StatusCause {
	var causes []metav1.StatusCause
	add := func(path *field.Path, alone corev1.PodTemplateSpec) {
		for _, message := range s.evaluate(podsecurity.LevelBaseline, alone) {
			causes = append(causes, cause(field.Forbidden(path, "the baseline Pod Security Standard forbids: "+message)))
		}
	}
	spec := field.NewPath("spec")
	empty := corev1.PodSpec{Containers: []corev1.Container{{Name: containerName}}}

	pod := corev1.PodTemplateSpec{Spec: *empty.DeepCopy()}
	pod.Spec.SecurityContext = fields.Spec.SecurityContext
	add(spec.Child("podSecurityContext"), pod)

	container := corev1.PodTemplateSpec{Spec: *empty.DeepCopy()}
	container.Spec.Containers[0].SecurityContext = fields.Spec.Containers[0].SecurityContext
	add(spec.Child("securityContext"), container)

	for i, volume := range fields.Spec.Volumes {
		one := corev1.PodTemplateSpec{Spec: *empty.DeepCopy()}
		one.Spec.Volumes = []corev1.Volume{volume}
		add(spec.Child("extraVolumes").Index(i), one)
	}

	annotated := corev1.PodTemplateSpec{Spec: *empty.DeepCopy()}
	annotated.Annotations = fields.Annotations
	add(spec.Child("podAnnotations"), annotated)

	if len(causes) == 0 {
		// A check of a later library may look at something else.
		add(spec, fields)
	}
	return causes
}

// warnings are what restricted forbids in the pod that would run.
func (s *standards) warnings(fields corev1.PodTemplateSpec) []string {
	var texts []string
	for _, message := range s.evaluate(podsecurity.LevelRestricted, withDefaults(fields)) {
		texts = append(texts, "spec: a namespace with the restricted Pod Security Standard does not run this pod: "+message)
	}
	return texts
}

func (s *standards) evaluate(level podsecurity.Level, template corev1.PodTemplateSpec) []string {
	version := podsecurity.LevelVersion{Level: level, Version: podsecurity.LatestVersion()}
	var messages []string
	for _, result := range s.evaluator.EvaluatePod(version, &template.ObjectMeta, &template.Spec) {
		if result.Allowed {
			continue
		}
		message := result.ForbiddenReason
		if result.ForbiddenDetail != "" {
			message += " (" + result.ForbiddenDetail + ")"
		}
		messages = append(messages, message)
	}
	return messages
}

func cause(err *field.Error) metav1.StatusCause {
	return metav1.StatusCause{Type: metav1.CauseType(err.Type), Message: err.ErrorBody(), Field: err.Field}
}
