// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserverclass

import (
	"fmt"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	apistorage "k8s.io/apiserver/pkg/storage"
	"k8s.io/client-go/tools/cache"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// REST serves the resource.
type REST struct {
	*genericregistry.Store
	*written
	users users
}

var (
	_ rest.StandardStorage      = &REST{}
	_ rest.ShortNamesProvider   = &REST{}
	_ rest.SingularNameProvider = &REST{}
)

// ShortNames are the names for kubectl besides dittoserverclasses. There is no category: with a second kind in it,
// kubectl could neither watch dittofs nor get one of it by name.
func (*REST) ShortNames() []string { return []string{"dittoclass"} }

// NewStorage builds the store of DittoServerClasses. Servers lists the
// DittoServers that use them, by the field spec.className. Of the scheme it
// expects what AddFieldSelectors adds.
func NewStorage(scheme *runtime.Scheme, getter generic.RESTOptionsGetter, servers rest.Lister) (*REST, error) {
	main, users := newStrategy(scheme), users{servers}
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &dittofsv1alpha1.DittoServerClass{} },
		NewListFunc:               func() runtime.Object { return &dittofsv1alpha1.DittoServerClassList{} },
		PredicateFunc:             match,
		DefaultQualifiedResource:  dittofsv1alpha1.Resource("dittoserverclasses"),
		SingularQualifiedResource: dittofsv1alpha1.Resource("dittoserverclass"),
		CreateStrategy:            main,
		UpdateStrategy:            main,
		DeleteStrategy:            main,
		TableConvertor:            tableConvertor{users},
	}
	options := &generic.StoreOptions{RESTOptions: getter, AttrFunc: attributes, Indexers: &cache.Indexers{
		apistorage.FieldIndex(FieldDefault): func(obj any) ([]string, error) {
			class, ok := obj.(*dittofsv1alpha1.DittoServerClass)
			if !ok {
				return nil, fmt.Errorf("expected a DittoServerClass to index, got %T", obj)
			}
			return []string{isDefault(class)}, nil
		},
	}}
	if err := store.CompleteWithOptions(options); err != nil {
		return nil, fmt.Errorf("set up the store of dittoserverclasses: %w", err)
	}
	r := &REST{Store: store, written: &written{}, users: users}
	r.watch(store)
	return r, nil
}

// FieldDefault is the field by which default classes are selected; it is the
// annotation, which field selectors cannot spell. It is true or false.
const FieldDefault = "isDefault"

func isDefault(class *dittofsv1alpha1.DittoServerClass) string {
	if class.Annotations[dittofsv1alpha1.AnnotationDefaultClass] == "true" {
		return "true"
	}
	return "false"
}

// AddFieldSelectors tells the scheme which fields of a class can be selected on.
func AddFieldSelectors(scheme *runtime.Scheme) error {
	kind := dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServerClass")
	return scheme.AddFieldLabelConversionFunc(kind, func(label, value string) (string, string, error) {
		if label != "metadata.name" && label != FieldDefault {
			return "", "", fmt.Errorf("dittoserverclasses cannot be selected by the field %q: supported are metadata.name, %s", label, FieldDefault)
		}
		return label, value, nil
	})
}

// attributes are what selectors are compared with.
func attributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	class, ok := obj.(*dittofsv1alpha1.DittoServerClass)
	if !ok {
		return nil, nil, fmt.Errorf("expected a DittoServerClass, got %T", obj)
	}
	set := generic.AddObjectMetaFieldsSet(fields.Set{FieldDefault: isDefault(class)}, &class.ObjectMeta, false)
	return class.Labels, set, nil
}

func match(label labels.Selector, field fields.Selector) apistorage.SelectionPredicate {
	return apistorage.SelectionPredicate{Label: label, Field: field, GetAttrs: attributes, IndexFields: []string{FieldDefault}}
}
