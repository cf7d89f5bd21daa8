// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package dittoserver stores DittoServers: what goes in is a decoded and
// admitted object, what comes out is the stored one with generation, finalizer
// and status under the server's control. It never talks to the host cluster.
package dittoserver

import (
	"context"
	"slices"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/apis/dittofs/validation"
)

// strategy is the behaviour of the main resource. It runs the declarative field
// rules of the types besides the rules in Go.
type strategy struct {
	rest.DeclarativeValidation
	names.NameGenerator
}

// NewStrategy returns the strategy of the main resource.
func NewStrategy(scheme *runtime.Scheme) *strategy {
	return &strategy{
		DeclarativeValidation: rest.DeclarativeValidation{Scheme: scheme},
		NameGenerator:         names.SimpleNameGenerator,
	}
}

var (
	_ rest.RESTCreateStrategy         = &strategy{}
	_ rest.RESTUpdateStrategy         = &strategy{}
	_ rest.RESTGracefulDeleteStrategy = &strategy{}
	_ rest.ResetFieldsStrategy        = &strategy{}
)

func (*strategy) NamespaceScoped() bool { return true }

// GetResetFields keeps server-side apply from owning what this resource drops:
// the status and the server's own records among the annotations.
func (*strategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return resetFields(
		fieldpath.MakePathOrDie("status"),
		fieldpath.MakePathOrDie("metadata", "annotations", dittofsv1alpha1.AnnotationDeletionPropagation),
		fieldpath.MakePathOrDie("metadata", "annotations", dittofsv1alpha1.AnnotationNamespaceUID),
	)
}

func resetFields(paths ...fieldpath.Path) map[fieldpath.APIVersion]*fieldpath.Set {
	version := fieldpath.APIVersion(dittofsv1alpha1.SchemeGroupVersion.String())
	return map[fieldpath.APIVersion]*fieldpath.Set{version: fieldpath.NewSet(paths...)}
}

// operatorFinalizer is that of the DittoFS operator on its own kind.
const operatorFinalizer = "dittofs.dittofs.com/finalizer"

// PrepareForCreate puts under the server's control what users must not decide:
// status, generation, the finalizer and the record of a deletion; and sets the
// defaults that waited for the class of the server.
func (*strategy) PrepareForCreate(_ context.Context, obj runtime.Object) {
	server := obj.(*dittofsv1alpha1.DittoServer)
	server.Status = dittofsv1alpha1.DittoServerStatus{}
	server.Generation = 1
	// A manifest that was exported from the DittoFS operator has its finalizer, which nobody would ever remove here.
	server.Finalizers = slices.DeleteFunc(server.Finalizers, func(f string) bool { return f == operatorFinalizer })
	addFinalizer(server)
	delete(server.Annotations, dittofsv1alpha1.AnnotationDeletionPropagation)
	dittofsv1alpha1.CompleteDefaults(server, nil)
}

// PrepareForUpdate keeps the same things as they are and counts the generation.
func (*strategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	server, oldServer := obj.(*dittofsv1alpha1.DittoServer), old.(*dittofsv1alpha1.DittoServer)
	server.Status = oldServer.Status
	dittofsv1alpha1.CompleteDefaults(server, oldServer)
	keepAnnotation(server, oldServer, dittofsv1alpha1.AnnotationDeletionPropagation)
	keepAnnotation(server, oldServer, dittofsv1alpha1.AnnotationNamespaceUID)
	if oldServer.DeletionTimestamp == nil {
		// Without the finalizer a delete would leave the running server behind.
		// On a deleted object its removal is the documented way out.
		addFinalizer(server)
	}
	if !apiequality.Semantic.DeepEqual(server.Spec, oldServer.Spec) {
		server.Generation = oldServer.Generation + 1
	}
}

func addFinalizer(server *dittofsv1alpha1.DittoServer) {
	if !slices.Contains(server.Finalizers, dittofsv1alpha1.Finalizer) {
		server.Finalizers = append(server.Finalizers, dittofsv1alpha1.Finalizer)
	}
}

// keepAnnotation undoes what an update did to an annotation of the server's own.
func keepAnnotation(server, old *dittofsv1alpha1.DittoServer, key string) {
	value, ok := old.Annotations[key]
	if !ok {
		delete(server.Annotations, key)
		return
	}
	metav1.SetMetaDataAnnotation(&server.ObjectMeta, key, value)
}

func (*strategy) Validate(_ context.Context, obj runtime.Object) field.ErrorList {
	return validation.ValidateDittoServer(obj.(*dittofsv1alpha1.DittoServer))
}

func (*strategy) ValidateUpdate(_ context.Context, obj, old runtime.Object) field.ErrorList {
	return validation.ValidateDittoServerUpdate(obj.(*dittofsv1alpha1.DittoServer), old.(*dittofsv1alpha1.DittoServer))
}

func (*strategy) WarningsOnCreate(_ context.Context, obj runtime.Object) []string {
	return validation.Warnings(obj.(*dittofsv1alpha1.DittoServer))
}

func (*strategy) WarningsOnUpdate(_ context.Context, obj, old runtime.Object) []string {
	server, oldServer := obj.(*dittofsv1alpha1.DittoServer), old.(*dittofsv1alpha1.DittoServer)
	if apiequality.Semantic.DeepEqual(server.Spec, oldServer.Spec) {
		return nil
	}
	return validation.Warnings(server)
}

func (*strategy) Canonicalize(runtime.Object) {}

func (*strategy) AllowCreateOnUpdate(context.Context) bool { return false }

func (*strategy) AllowUnconditionalUpdate(context.Context) bool { return true }

// CheckGracefulDelete records, in the transaction of the delete, how the caller
// wants dependents to be treated. The garbage collector takes the orphan
// finalizer away within milliseconds, so nothing else tells a controller that
// was behind from a plain delete. Deletion itself is never graceful here.
func (*strategy) CheckGracefulDelete(_ context.Context, obj runtime.Object, options *metav1.DeleteOptions) bool {
	server := obj.(*dittofsv1alpha1.DittoServer)
	if server.DeletionTimestamp == nil {
		metav1.SetMetaDataAnnotation(&server.ObjectMeta,
			dittofsv1alpha1.AnnotationDeletionPropagation, string(propagation(options, server.Finalizers)))
	}
	return false
}

// propagation is what the store will do: as the options ask, else as a finalizer
// on the object asks, else Background.
func propagation(options *metav1.DeleteOptions, finalizers []string) metav1.DeletionPropagation {
	switch {
	case options != nil && options.PropagationPolicy != nil:
		return *options.PropagationPolicy
	case options != nil && options.OrphanDependents != nil: //nolint:staticcheck // old clients still send it
		if *options.OrphanDependents { //nolint:staticcheck // as above
			return metav1.DeletePropagationOrphan
		}
	case slices.Contains(finalizers, metav1.FinalizerOrphanDependents):
		return metav1.DeletePropagationOrphan
	case slices.Contains(finalizers, metav1.FinalizerDeleteDependents):
		return metav1.DeletePropagationForeground
	}
	return metav1.DeletePropagationBackground
}
