// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

var (
	reservedEnvPrefixes = []string{"DITTOFS_", "KRB5", "XDG_", "LD_"}
	reservedEnvNames    = []string{"AWS_CA_BUNDLE", "HOME"}
	envSources          = []string{"fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef"}
)

// validateEnv keeps the environment from undoing the rules of other fields: dfs
// reads its whole configuration from there too, with precedence over its file.
func validateEnv(env []corev1.EnvVar, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	for i := range env {
		variable, at := &env[i], path.Index(i)
		for _, message := range utilvalidation.IsEnvVarName(variable.Name) {
			errs = append(errs, field.Invalid(at.Child("name"), variable.Name, message))
		}
		if reservedEnv(variable.Name) {
			errs = append(errs, field.Forbidden(at.Child("name"), variable.Name+
				" is reserved, as are DITTOFS_*, KRB5*, AWS_CA_BUNDLE, HOME, XDG_* and LD_*: use the fields of the spec, or spec.config"))
		}
		if variable.ValueFrom != nil {
			if variable.Value != "" {
				errs = append(errs, field.Forbidden(at.Child("valueFrom"), "a variable has a value or a source, not both"))
			}
			errs = append(errs, validateEnvSource(variable.ValueFrom, at.Child("valueFrom"))...)
		}
	}
	return errs
}

func reservedEnv(name string) bool {
	return slices.Contains(reservedEnvNames, name) ||
		slices.ContainsFunc(reservedEnvPrefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) })
}

func validateEnvSource(source *corev1.EnvVarSource, path *field.Path) field.ErrorList {
	errs := validateUnion(reflect.ValueOf(*source), envSources, path)
	if ref := source.FieldRef; ref != nil && ref.FieldPath == "" {
		errs = append(errs, field.Required(path.Child("fieldRef", "fieldPath"), "for example metadata.name"))
	}
	if ref := source.ResourceFieldRef; ref != nil && ref.Resource == "" {
		errs = append(errs, field.Required(path.Child("resourceFieldRef", "resource"), "for example limits.memory"))
	}
	if ref := source.ConfigMapKeyRef; ref != nil {
		errs = append(errs, validateSourceKey(ref.Name, ref.Key, path.Child("configMapKeyRef"))...)
	}
	if ref := source.SecretKeyRef; ref != nil {
		errs = append(errs, validateSourceKey(ref.Name, ref.Key, path.Child("secretKeyRef"))...)
	}
	return errs
}

func validateSourceKey(name, key string, path *field.Path) field.ErrorList {
	errs := validateRequiredName(name, path.Child("name"))
	if key == "" {
		return append(errs, field.Required(path.Child("key"), "the key within the data"))
	}
	for _, message := range utilvalidation.IsConfigMapKey(key) {
		errs = append(errs, field.Invalid(path.Child("key"), key, message))
	}
	return errs
}

// validateUnion wants exactly one member of a struct of pointers set, and one
// of those allowed. It goes by reflection, so that a member which a later
// Kubernetes adds is refused until somebody has looked at it.
func validateUnion(union reflect.Value, allowed []string, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	set := 0
	for i := range union.NumField() {
		if union.Field(i).IsNil() {
			continue
		}
		set++
		name, _, _ := strings.Cut(union.Type().Field(i).Tag.Get("json"), ",")
		if !slices.Contains(allowed, name) {
			errs = append(errs, field.Forbidden(path.Child(name), "must be one of "+strings.Join(allowed, ", ")))
		}
	}
	switch {
	case set == 0:
		errs = append(errs, field.Required(path, "must have one of "+strings.Join(allowed, ", ")))
	case set > 1:
		errs = append(errs, field.Forbidden(path, "must have no more than one of "+strings.Join(allowed, ", ")))
	}
	return errs
}
