// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package dittoserverclass stores DittoServerClasses: what goes in is a decoded
// and admitted object, what comes out is the stored one with its generation. It
// never deletes a class that a DittoServer uses, and never talks to the host cluster.
package dittoserverclass

import (
	"context"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/apis/dittofs/validation"
)

// strategy is the behaviour of the resource. It runs the declarative field rules
// of the types besides the rules in Go.
type strategy struct {
	rest.DeclarativeValidation
	names.NameGenerator
}

func newStrategy(scheme *runtime.Scheme) *strategy {
	return &strategy{
		DeclarativeValidation: rest.DeclarativeValidation{Scheme: scheme},
		NameGenerator:         names.SimpleNameGenerator,
	}
}

var (
	_ rest.RESTCreateStrategy = &strategy{}
	_ rest.RESTUpdateStrategy = &strategy{}
	_ rest.RESTDeleteStrategy = &strategy{}
)

func (*strategy) NamespaceScoped() bool { return false }

func (*strategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	obj.(*dittofsv1alpha1.DittoServerClass).Generation = 1
}

// PrepareForUpdate counts the generation.
func (*strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	class, oldClass := obj.(*dittofsv1alpha1.DittoServerClass), old.(*dittofsv1alpha1.DittoServerClass)
	if !apiequality.Semantic.DeepEqual(class.Spec, oldClass.Spec) {
		class.Generation = oldClass.Generation + 1
	}
}

func (*strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateDittoServerClass(obj.(*dittofsv1alpha1.DittoServerClass))
}

func (*strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateDittoServerClassUpdate(obj.(*dittofsv1alpha1.DittoServerClass), old.(*dittofsv1alpha1.DittoServerClass))
}

func (*strategy) WarningsOnCreate(_ context.Context, obj runtime.Object) []string {
	return validation.ClassWarnings(obj.(*dittofsv1alpha1.DittoServerClass))
}

func (*strategy) WarningsOnUpdate(_ context.Context, obj, old runtime.Object) []string {
	class, oldClass := obj.(*dittofsv1alpha1.DittoServerClass), old.(*dittofsv1alpha1.DittoServerClass)
	if apiequality.Semantic.DeepEqual(class.Spec, oldClass.Spec) {
		return nil
	}
	return validation.ClassWarnings(class)
}

func (*strategy) Canonicalize(runtime.Object) {}

func (*strategy) AllowCreateOnUpdate(context.Context) bool { return false }

func (*strategy) AllowUnconditionalUpdate(context.Context) bool { return true }
