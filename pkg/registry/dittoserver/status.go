// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// statusStrategy is the behaviour of the status subresource: it writes the
// status and nothing else.
type statusStrategy struct{ *strategy }

var _ rest.ResetFieldsStrategy = &statusStrategy{}

func (*statusStrategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return resetFields(fieldpath.MakePathOrDie("spec"), fieldpath.MakePathOrDie("metadata"))
}

func (*statusStrategy) PrepareForUpdate(_ context.Context, obj, old runtime.Object) {
	server, oldServer := obj.(*dittofsv1alpha1.DittoServer), old.(*dittofsv1alpha1.DittoServer)
	server.Spec = oldServer.Spec
	metav1.ResetObjectMetaForStatus(&server.ObjectMeta, &oldServer.ObjectMeta)
}

func (*statusStrategy) ValidateUpdate(_ context.Context, obj, _ runtime.Object) field.ErrorList {
	server := obj.(*dittofsv1alpha1.DittoServer)
	return metav1validation.ValidateConditions(server.Status.Conditions, field.NewPath("status", "conditions"))
}

// WarningsOnUpdate says nothing: who writes a status cannot mend the spec.
func (*statusStrategy) WarningsOnUpdate(context.Context, runtime.Object, runtime.Object) []string {
	return nil
}

// partREST serves a subresource that has the form of the whole object.
type partREST struct{ store *genericregistry.Store }

var (
	_ rest.Patcher             = &partREST{}
	_ rest.ResetFieldsStrategy = &partREST{}
	_ rest.TableConvertor      = &partREST{}
)

func (*partREST) New() runtime.Object { return &dittofsv1alpha1.DittoServer{} }

// Destroy does nothing: the storage is shared with the main resource, which closes it.
func (*partREST) Destroy() {}

func (r *partREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return r.store.Get(ctx, name, options)
}

// Update ignores forceAllowCreate: a part of an object cannot create it.
func (r *partREST) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo,
	createValidation rest.ValidateObjectFunc, updateValidation rest.ValidateObjectUpdateFunc,
	_ bool, options *metav1.UpdateOptions,
) (runtime.Object, bool, error) {
	return r.store.Update(ctx, name, changed{info}, createValidation, updateValidation, false, options)
}

func (r *partREST) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	return r.store.GetResetFields()
}

func (r *partREST) ConvertToTable(ctx context.Context, object, options runtime.Object) (*metav1.Table, error) {
	return r.store.ConvertToTable(ctx, object, options)
}
