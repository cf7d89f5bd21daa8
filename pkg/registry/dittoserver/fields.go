// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/generic"
	apistorage "k8s.io/apiserver/pkg/storage"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

const (
	fieldPhase        = "status.phase"
	fieldImage        = "spec.image"
	fieldStorageClass = "spec.storage.storageClassName"
	fieldClass        = "spec.className"
)

// selectable are the fields of a DittoServer that a field selector may name
// besides metadata.name and metadata.namespace. Each is indexed in the watch
// cache, so that a list by one of them does not read all servers. A server
// without storageClassName or className is found by the empty word; the phase is the one
// that kubectl get prints, so that what is seen can be selected on.
var selectable = []struct {
	name  string
	value func(*dittofsv1alpha1.DittoServer) string
}{
	{fieldPhase, phaseField},
	{fieldImage, func(s *dittofsv1alpha1.DittoServer) string { return s.Spec.Image }},
	{fieldStorageClass, func(s *dittofsv1alpha1.DittoServer) string { return ptr.Deref(s.Spec.Storage.StorageClassName, "") }},
	{fieldClass, func(s *dittofsv1alpha1.DittoServer) string { return ptr.Deref(s.Spec.ClassName, "") }},
}

func phaseField(server *dittofsv1alpha1.DittoServer) string { return string(phaseOf(server)) }

// phaseOf is the phase that people are told: what no controller has looked at
// yet is pending, and what is deleted is being deleted.
func phaseOf(server *dittofsv1alpha1.DittoServer) dittofsv1alpha1.DittoServerPhase {
	switch {
	case server.DeletionTimestamp != nil:
		return dittofsv1alpha1.PhaseDeleting
	case server.Status.Phase == "":
		return dittofsv1alpha1.PhasePending
	}
	return server.Status.Phase
}

// AddFieldSelectors tells the scheme which fields of a DittoServer can be
// selected on. Without it the API server refuses all but name and namespace.
func AddFieldSelectors(scheme *runtime.Scheme) error {
	known := map[string]bool{"metadata.name": true, "metadata.namespace": true}
	for _, f := range selectable {
		known[f.name] = true
	}
	kind := dittofsv1alpha1.SchemeGroupVersion.WithKind("DittoServer")
	return scheme.AddFieldLabelConversionFunc(kind, func(label, value string) (string, string, error) {
		if !known[label] {
			return "", "", fmt.Errorf("dittoservers cannot be selected by the field %q: supported are metadata.name, metadata.namespace, %s",
				label, strings.Join(indexed, ", "))
		}
		return label, value, nil
	})
}

var indexed = func() []string {
	names := make([]string, 0, len(selectable))
	for _, f := range selectable {
		names = append(names, f.name)
	}
	return names
}()

// attributes are what selectors are compared with.
func attributes(obj runtime.Object) (labels.Set, fields.Set, error) {
	server, ok := obj.(*dittofsv1alpha1.DittoServer)
	if !ok {
		return nil, nil, fmt.Errorf("expected a DittoServer, got %T", obj)
	}
	set := make(fields.Set, len(selectable)+2)
	for _, f := range selectable {
		set[f.name] = f.value(server)
	}
	return server.Labels, generic.AddObjectMetaFieldsSet(set, &server.ObjectMeta, true), nil
}

func match(label labels.Selector, field fields.Selector) apistorage.SelectionPredicate {
	return apistorage.SelectionPredicate{Label: label, Field: field, GetAttrs: attributes, IndexFields: indexed}
}

// indexers make the watch cache find servers by a selectable field.
func indexers() *cache.Indexers {
	all := make(cache.Indexers, len(selectable))
	for _, f := range selectable {
		all[apistorage.FieldIndex(f.name)] = func(obj any) ([]string, error) {
			server, ok := obj.(*dittofsv1alpha1.DittoServer)
			if !ok {
				return nil, fmt.Errorf("expected a DittoServer to index, got %T", obj)
			}
			return []string{f.value(server)}, nil
		}
	}
	return &all
}

// triggers let the watch cache skip watchers of another phase. The library
// takes one field only; phases are what people wait for.
func triggers() apistorage.IndexerFuncs {
	return apistorage.IndexerFuncs{fieldPhase: func(obj runtime.Object) string {
		return phaseField(obj.(*dittofsv1alpha1.DittoServer))
	}}
}
