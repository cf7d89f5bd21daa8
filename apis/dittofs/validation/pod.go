// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

var (
	shutdownTimeouts = durationRange{min: time.Second, max: 10 * time.Minute, example: "30s"}
	pullPolicies     = []corev1.PullPolicy{corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever}
)

// validatePod checks the fields that shape the pod. Its security contexts are
// checked at admission, where the rules of the namespace are known.
func validatePod(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if p := spec.ImagePullPolicy; p != "" && !slices.Contains(pullPolicies, p) {
		errs = append(errs, field.NotSupported(path.Child("imagePullPolicy"), p, pullPolicies))
	}
	for i, ref := range spec.ImagePullSecrets {
		errs = append(errs, validateRequiredName(ref.Name, path.Child("imagePullSecrets").Index(i).Child("name"))...)
	}
	errs = append(errs, shutdownTimeouts.check(spec.ShutdownTimeout, path.Child("shutdownTimeout"))...)
	errs = append(errs, validateResources(spec.Resources, path.Child("resources"))...)
	errs = append(errs, validateObjectName(spec.ServiceAccountName, path.Child("serviceAccountName"))...)
	errs = append(errs, validateObjectName(spec.PriorityClassName, path.Child("priorityClassName"))...)
	errs = append(errs, metav1validation.ValidateLabels(spec.NodeSelector, path.Child("nodeSelector"))...)
	errs = append(errs, validateTolerations(spec.Tolerations, path.Child("tolerations"))...)
	errs = append(errs, validateSpread(spec.TopologySpreadConstraints, path.Child("topologySpreadConstraints"))...)
	errs = append(errs, validateLabels(spec.PodLabels, path.Child("podLabels"))...)
	errs = append(errs, validatePodAnnotations(spec.PodAnnotations, path.Child("podAnnotations"))...)
	errs = append(errs, validateEnv(spec.ExtraEnv, path.Child("extraEnv"))...)
	errs = append(errs, validateVolumes(spec.ExtraVolumes, path.Child("extraVolumes"))...)
	return append(errs, validateMounts(spec.ExtraVolumeMounts, spec.ExtraVolumes, path.Child("extraVolumeMounts"))...)
}
