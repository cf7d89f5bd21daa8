// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"

	"k8s.io/apimachinery/pkg/api/operation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// finalizeStrategy is the behaviour of the finalize subresource, after the
// example of namespaces: it writes metadata.finalizers, takes away a request for
// a rollout that has been carried out, and does nothing else, so that the
// controllers need no right to change the objects of users.
type finalizeStrategy struct{ *strategy }

var _ rest.ResetFieldsStrategy = &finalizeStrategy{}

// GetResetFields leaves metadata.finalizers alone.
func (*finalizeStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return resetFields(
		fieldpath.MakePathOrDie("spec"), fieldpath.MakePathOrDie("status"),
		fieldpath.MakePathOrDie("metadata", "labels"), fieldpath.MakePathOrDie("metadata", "annotations"),
		fieldpath.MakePathOrDie("metadata", "ownerReferences"),
	)
}

func (*finalizeStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	server, oldServer := obj.(*dittofsv1alpha1.DittoServer), old.(*dittofsv1alpha1.DittoServer)
	finalizers, resourceVersion, managedFields := server.Finalizers, server.ResourceVersion, server.ManagedFields
	_, asked := server.Annotations[dittofsv1alpha1.AnnotationRollout]
	oldServer.DeepCopyInto(server)
	if !asked {
		delete(server.Annotations, dittofsv1alpha1.AnnotationRollout)
	}
	server.Finalizers, server.ResourceVersion, server.ManagedFields = finalizers, resourceVersion, managedFields
}

func (*finalizeStrategy) ValidateUpdate(context.Context, runtime.Object, runtime.Object) field.ErrorList {
	return nil
}

// ValidateDeclaratively is off: nothing but metadata can have changed, and
// the generated rules know the main resource, status and scale only.
func (*finalizeStrategy) ValidateDeclaratively(_ context.Context, _, _ runtime.Object, errs field.ErrorList, _ operation.Type, _ rest.DeclarativeValidationConfig) field.ErrorList {
	return errs
}

func (*finalizeStrategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}
