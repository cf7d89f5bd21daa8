// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var (
	tolerationOperators = []corev1.TolerationOperator{corev1.TolerationOpEqual, corev1.TolerationOpExists}
	taintEffects        = []corev1.TaintEffect{corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute}
	spreadActions       = []corev1.UnsatisfiableConstraintAction{corev1.DoNotSchedule, corev1.ScheduleAnyway}
)

// validateTolerations has the rules of a pod: the StatefulSet would be refused
// much later, where nobody who typed them sees the answer.
func validateTolerations(tolerations []corev1.Toleration, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i := range tolerations {
		toleration, at := &tolerations[i], path.Index(i)
		if operator := toleration.Operator; operator != "" && !slices.Contains(tolerationOperators, operator) {
			errs = append(errs, field.NotSupported(at.Child("operator"), operator, tolerationOperators))
		}
		if toleration.Key == "" && toleration.Operator != corev1.TolerationOpExists {
			errs = append(errs, field.Required(at.Child("key"), "the key of a taint; with operator Exists it may be left out, which tolerates all of them"))
		}
		if toleration.Key != "" {
			for _, message := range utilvalidation.IsQualifiedName(toleration.Key) {
				errs = append(errs, field.Invalid(at.Child("key"), toleration.Key, message))
			}
		}
		if toleration.Operator == corev1.TolerationOpExists && toleration.Value != "" {
			errs = append(errs, field.Invalid(at.Child("value"), toleration.Value, "must be left out with operator Exists"))
		}
		for _, message := range utilvalidation.IsValidLabelValue(toleration.Value) {
			errs = append(errs, field.Invalid(at.Child("value"), toleration.Value, message))
		}
		if effect := toleration.Effect; effect != "" && !slices.Contains(taintEffects, effect) {
			errs = append(errs, field.NotSupported(at.Child("effect"), effect, taintEffects))
		}
		if toleration.TolerationSeconds != nil && toleration.Effect != corev1.TaintEffectNoExecute {
			errs = append(errs, field.Invalid(at.Child("tolerationSeconds"), *toleration.TolerationSeconds, "is for effect NoExecute only"))
		}
	}
	return errs
}

func validateSpread(constraints []corev1.TopologySpreadConstraint, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i := range constraints {
		constraint, at := &constraints[i], path.Index(i)
		if constraint.MaxSkew < 1 {
			errs = append(errs, field.Invalid(at.Child("maxSkew"), constraint.MaxSkew, "must be at least 1"))
		}
		if constraint.TopologyKey == "" {
			errs = append(errs, field.Required(at.Child("topologyKey"), "a label of nodes, for example topology.kubernetes.io/zone"))
		} else {
			for _, message := range utilvalidation.IsQualifiedName(constraint.TopologyKey) {
				errs = append(errs, field.Invalid(at.Child("topologyKey"), constraint.TopologyKey, message))
			}
		}
		if !slices.Contains(spreadActions, constraint.WhenUnsatisfiable) {
			errs = append(errs, field.NotSupported(at.Child("whenUnsatisfiable"), constraint.WhenUnsatisfiable, spreadActions))
		}
		errs = append(errs, validateSelector(constraint.LabelSelector, at.Child("labelSelector"))...)
	}
	return errs
}
