// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package validation holds the rules of the group's kinds that need more than
// one field, or the object as it was. Rules for a single field are tags on the
// types. It never looks at other objects: that is the admission plugins' work.
// Every rule is a row of testdata/rules.yaml, and so of docs/api/validation.md.
package validation

import (
	"slices"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// ValidateDittoServer checks an object that is created.
func ValidateDittoServer(server *dittofsv1alpha1.DittoServer) field.ErrorList {
	return append(validateName(server), validateSpec(server)...)
}

// ValidateDittoServerUpdate checks a change. A spec that stays as it is passes
// whatever the rules say today, so that what is stored can always be labelled
// and deleted.
func ValidateDittoServerUpdate(server, old *dittofsv1alpha1.DittoServer) field.ErrorList {
	if old.DeletionTimestamp != nil || apiequality.Semantic.DeepEqual(server.Spec, old.Spec) {
		return nil
	}
	errs := newErrors(validateSpec(server), validateSpec(old))
	return append(errs, validateTransition(server, old)...)
}

// newErrors leaves out what the stored spec did wrong already, as the field
// rules in tags do: a release of ours with a stricter rule must not keep a
// server from being stopped, or from having something else mended.
func newErrors(errs, stored field.ErrorList) field.ErrorList {
	return slices.DeleteFunc(errs, func(err *field.Error) bool {
		return slices.ContainsFunc(stored, func(old *field.Error) bool { return old.Error() == err.Error() })
	})
}

func validateSpec(server *dittofsv1alpha1.DittoServer) field.ErrorList {
	spec, path := &server.Spec, field.NewPath("spec")
	errs := validateObjectName(ptr.Deref(spec.ClassName, ""), path.Child("className"))
	errs = append(errs, validateImage(spec.Image, path.Child("image"))...)
	errs = append(errs, validatePod(spec, path)...)
	errs = append(errs, validateStorage(&spec.Storage, path.Child("storage"))...)
	errs = append(errs, validateDatabase(spec, path.Child("database"))...)
	errs = append(errs, validatePercona(server, path.Child("percona"))...)
	errs = append(errs, validateControlPlane(&spec.ControlPlane, path.Child("controlPlane"))...)
	errs = append(errs, validateIdentity(&spec.Identity, path.Child("identity"))...)
	errs = append(errs, validateDirectory(spec, path.Child("identity"))...)
	errs = append(errs, validateNetwork(spec, path)...)
	errs = append(errs, validateMetrics(spec.Metrics, path.Child("metrics"))...)
	errs = append(errs, validatePorts(spec, path)...)
	errs = append(errs, validateLogOutput(spec, path.Child("logging", "output"))...)
	errs = append(errs, validateSnapshotPolicies(spec.SnapshotPolicies, path.Child("snapshotPolicies"))...)
	return append(errs, validateConfig(spec.Config, path.Child("config"))...)
}
