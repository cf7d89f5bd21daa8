// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

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

// NewStorage builds the store of DittoServers. Of the scheme it expects what
// AddFieldSelectors adds.
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
	options := &generic.StoreOptions{RESTOptions: getter, AttrFunc: attributes, TriggerFunc: triggers(), Indexers: indexers()}
	if err := store.CompleteWithOptions(options); err != nil {
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
