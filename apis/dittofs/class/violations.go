// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package class

import (
	"fmt"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Violation is one thing of a spec that its class does not allow.
type Violation struct {
	// Path of the field, from spec on.
	Path *field.Path
	// Value as a message shows it.
	Value any
	// Allowed is what the class allows instead, to be read after its name.
	Allowed string
}

func (v Violation) String() string { return fmt.Sprintf("%s: %v: %s", v.Path, v.Value, v.Allowed) }

// index of an item in a list, which is another one once an item before it goes.
var index = regexp.MustCompile(`\[\d+\]`)

// of tells which violation it is, wherever in a list. What the class allows is
// part of it for sums only, which name no value of the spec.
func (v Violation) of() string {
	return index.ReplaceAllString(v.Path.String(), "[]") + "\x00" + fmt.Sprint(v.Value)
}

// New are the violations of a changed spec that it did not have before: what a
// class forbids since then, or an admin allowed, does not stand in the way of
// other changes.
func New(violations, before []Violation) []Violation {
	return slices.DeleteFunc(violations, func(v Violation) bool {
		return slices.ContainsFunc(before, func(b Violation) bool { return b.of() == v.of() })
	})
}

// Violations lists what of a spec the class does not allow. Limits on all servers
// of a namespace are not among it: they need more than one server.
func Violations(spec *dittofsv1alpha1.DittoServerSpec, class *dittofsv1alpha1.DittoServerClassSpec) []Violation {
	found := &finder{limits: &class.Limits}
	path := field.NewPath("spec")
	found.images(spec, path)
	found.storageClasses(spec, path)
	found.sizes(spec, path)
	found.databases(spec, path)
	found.resources(spec, path)
	found.services(spec, path)
	found.ingress(spec.ControlPlane.Ingress, path.Child("controlPlane", "ingress"))
	found.networkPolicy(spec, path.Child("networkPolicy"))
	found.config(spec.Config, path.Child("config"))
	found.pod(spec, &class.Defaults, path)
	found.scheduling(spec, path)
	found.backup(spec, path)
	return found.violations
}

// finder collects violations.
type finder struct {
	limits     *dittofsv1alpha1.ClassLimits
	violations []Violation
}

func (f *finder) add(path *field.Path, value any, format string, arguments ...any) {
	f.violations = append(f.violations, Violation{Path: path, Value: value, Allowed: fmt.Sprintf(format, arguments...)})
}

// value checks one against a limit; nil allows everything.
func (f *finder) value(limit *dittofsv1alpha1.AllowedValues, path *field.Path, value string) {
	if limit != nil && !matchesAny(limit.Allowed, value) {
		f.add(path, value, "allows %s", list(limit.Allowed))
	}
}

// keys checks those of a map.
func (f *finder) keys(limit *dittofsv1alpha1.AllowedValues, path *field.Path, values map[string]string) {
	if limit == nil {
		return
	}
	for _, key := range sorted(values) {
		if !matchesAny(limit.Allowed, key) {
			f.add(path.Key(key), values[key], "allows the keys %s", list(limit.Allowed))
		}
	}
}
