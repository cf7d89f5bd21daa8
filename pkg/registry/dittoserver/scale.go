// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/apimachinery/pkg/util/validation/field"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// scaleREST serves autoscaling/v1 Scale, so that kubectl scale works.
type scaleREST struct{ store *genericregistry.Store }

var (
	_ rest.Patcher                  = &scaleREST{}
	_ rest.GroupVersionKindProvider = &scaleREST{}
)

func (*scaleREST) New() runtime.Object { return &autoscalingv1.Scale{} }

// Destroy does nothing: the storage is shared with the main resource, which closes it.
func (*scaleREST) Destroy() {}

func (*scaleREST) GroupVersionKind(schema.GroupVersion) schema.GroupVersionKind {
	return autoscalingv1.SchemeGroupVersion.WithKind("Scale")
}

func (r *scaleREST) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	obj, err := r.store.Get(ctx, name, options)
	if err != nil {
		return nil, err
	}
	return scaleOf(obj.(*dittofsv1alpha1.DittoServer)), nil
}

func (r *scaleREST) Update(ctx context.Context, name string, info rest.UpdatedObjectInfo,
	createValidation rest.ValidateObjectFunc, updateValidation rest.ValidateObjectUpdateFunc,
	_ bool, options *metav1.UpdateOptions,
) (runtime.Object, bool, error) {
	obj, _, err := r.store.Update(ctx, name, &scaleUpdate{name: name, scale: changed{info}},
		toScaleValidation(createValidation), toScaleUpdateValidation(updateValidation), false, options)
	if err != nil {
		return nil, false, err
	}
	return scaleOf(obj.(*dittofsv1alpha1.DittoServer)), false, nil
}

func (r *scaleREST) ConvertToTable(ctx context.Context, object, options runtime.Object) (*metav1.Table, error) {
	return rest.NewDefaultTableConvertor(autoscalingv1.Resource("scales")).ConvertToTable(ctx, object, options)
}

// Admission plugins and policies see a request for scale as the Scale it is.
func toScaleValidation(f rest.ValidateObjectFunc) rest.ValidateObjectFunc {
	return func(ctx context.Context, obj runtime.Object) error {
		return f(ctx, scaleOf(obj.(*dittofsv1alpha1.DittoServer)))
	}
}

func toScaleUpdateValidation(f rest.ValidateObjectUpdateFunc) rest.ValidateObjectUpdateFunc {
	return func(ctx context.Context, obj, old runtime.Object) error {
		return f(ctx, scaleOf(obj.(*dittofsv1alpha1.DittoServer)), scaleOf(old.(*dittofsv1alpha1.DittoServer)))
	}
}

func scaleOf(server *dittofsv1alpha1.DittoServer) *autoscalingv1.Scale {
	scale := &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{
			Name: server.Name, Namespace: server.Namespace, UID: server.UID,
			ResourceVersion: server.ResourceVersion, CreationTimestamp: server.CreationTimestamp,
		},
		Status: autoscalingv1.ScaleStatus{Replicas: server.Status.Replicas, Selector: server.Status.Selector},
	}
	if server.Spec.Replicas != nil {
		scale.Spec.Replicas = *server.Spec.Replicas
	}
	return scale
}

// scaleUpdate turns a change of a Scale into a change of spec.replicas.
type scaleUpdate struct {
	name  string
	scale rest.UpdatedObjectInfo
}

func (u *scaleUpdate) Preconditions() *metav1.Preconditions { return u.scale.Preconditions() }

func (u *scaleUpdate) UpdatedObject(ctx context.Context, old runtime.Object) (runtime.Object, error) {
	server, ok := old.DeepCopyObject().(*dittofsv1alpha1.DittoServer)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("expected a DittoServer to scale, got %T", old))
	}
	handler := managedfields.NewScaleHandler(server.ManagedFields, dittofsv1alpha1.SchemeGroupVersion, replicasPaths)
	oldScale := scaleOf(server)
	var err error
	if oldScale.ManagedFields, err = handler.ToSubresource(); err != nil {
		return nil, err
	}
	obj, err := u.scale.UpdatedObject(ctx, oldScale)
	if err != nil {
		return nil, err
	}
	scale, ok := obj.(*autoscalingv1.Scale)
	if !ok {
		return nil, apierrors.NewBadRequest(fmt.Sprintf("expected an autoscaling/v1 Scale, got %T", obj))
	}
	if errs := validateScale(scale); len(errs) > 0 {
		return nil, apierrors.NewInvalid(autoscalingv1.SchemeGroupVersion.WithKind("Scale").GroupKind(), u.name, errs)
	}
	if len(scale.ResourceVersion) != 0 {
		// The client's version goes to the store, which compares it with what is stored.
		server.ResourceVersion = scale.ResourceVersion
	}
	replicas := scale.Spec.Replicas
	server.Spec.Replicas = &replicas
	if server.ManagedFields, err = handler.ToParent(scale.ManagedFields); err != nil {
		return nil, err
	}
	return server, nil
}

var _ rest.UpdatedObjectInfo = &scaleUpdate{}

var replicasPaths = managedfields.ResourcePathMappings{
	dittofsv1alpha1.SchemeGroupVersion.String(): fieldpath.MakePathOrDie("spec", "replicas"),
}

func validateScale(scale *autoscalingv1.Scale) field.ErrorList {
	if scale.Spec.Replicas < 0 || scale.Spec.Replicas > 1 {
		return field.ErrorList{field.Invalid(field.NewPath("spec", "replicas"), scale.Spec.Replicas,
			"must be 0 or 1: two dfs processes on the same volumes destroy data")}
	}
	return nil
}
