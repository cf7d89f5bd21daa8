// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	apistorage "k8s.io/apiserver/pkg/storage"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Storage is the resource with its subresources.
type Storage struct {
	DittoServer *REST
	Status      rest.Storage
	Scale       rest.Storage
	Finalize    rest.Storage
}

// REST serves the main resource.
type REST struct{ *genericregistry.Store }

var (
	_ rest.StandardStorage      = &REST{}
	_ rest.ShortNamesProvider   = &REST{}
	_ rest.CategoriesProvider   = &REST{}
	_ rest.SingularNameProvider = &REST{}
)

// ShortNames are the names for kubectl besides dittoservers.
func (*REST) ShortNames() []string { return []string{"ditto", "dfs"} }

// Categories keeps out of "all": kubectl delete all --all must not delete file
// servers, and kubectl get all must not fail when this server is down.
func (*REST) Categories() []string { return []string{"dittofs"} }

// NewStorage builds the store of DittoServers; fields other than metadata.name
// and metadata.namespace cannot be selected on.
func NewStorage(scheme *runtime.Scheme, getter generic.RESTOptionsGetter) (*Storage, error) {
	main := NewStrategy(scheme)
	store := &genericregistry.Store{
		NewFunc:                   func() runtime.Object { return &dittofsv1alpha1.DittoServer{} },
		NewListFunc:               func() runtime.Object { return &dittofsv1alpha1.DittoServerList{} },
		PredicateFunc:             match,
		DefaultQualifiedResource:  dittofsv1alpha1.Resource("dittoservers"),
		SingularQualifiedResource: dittofsv1alpha1.Resource("dittoserver"),
		CreateStrategy:            main,
		UpdateStrategy:            main,
		DeleteStrategy:            main,
		ResetFieldsStrategy:       main,
		TableConvertor:            tableConvertor{},
	}
	if err := store.CompleteWithOptions(&generic.StoreOptions{RESTOptions: getter, AttrFunc: attributes}); err != nil {
		return nil, fmt.Errorf("set up the store of dittoservers: %w", err)
	}
	status, finalize := &statusStrategy{main}, &finalizeStrategy{main}
	return &Storage{
		DittoServer: &REST{store},
		Status:      part(store, status, status),
		Scale:       &scaleREST{store},
		Finalize:    part(store, finalize, finalize),
	}, nil
}

// part serves the same stored objects under another strategy.
func part(store *genericregistry.Store, update rest.RESTUpdateStrategy, reset rest.ResetFieldsStrategy) *partREST {
	copied := *store
	copied.UpdateStrategy, copied.ResetFieldsStrategy = update, reset
	return &partREST{&copied}
}

func attributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	server, ok := obj.(*dittofsv1alpha1.DittoServer)
	if !ok {
		return nil, nil, fmt.Errorf("expected a DittoServer, got %T", obj)
	}
	return server.Labels, generic.ObjectMetaFieldsSet(&server.ObjectMeta, true), nil
}

func match(label labels.Selector, field fields.Selector) apistorage.SelectionPredicate {
	return apistorage.SelectionPredicate{Label: label, Field: field, GetAttrs: attributes}
}
