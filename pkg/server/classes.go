// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/registry/dittoserverclass"
)

// classes shows our own store of classes to the admission plugins. The store is
// made after them, and before the first request.
type classes struct {
	store   *dittoserverclass.REST
	servers rest.Lister
}

var _ ownStore = &classes{}

// recordsPrefix is where admission plugins keep records in etcd: beside the
// objects, which are below the name of the group, and not among them.
func recordsPrefix(prefix string) string {
	return strings.TrimSuffix(prefix, "/") + "/dittofs-records/"
}

// Get looks into the watch cache: what was changed through this process counts at once, what another replica has
// changed some milliseconds later. What is not found there is looked for in etcd.
func (c *classes) Get(ctx context.Context, name string) (*dittofsv1alpha1.DittoServerClass, error) {
	ctx = request.WithNamespace(ctx, metav1.NamespaceNone)
	object, err := c.store.Get(ctx, name, &metav1.GetOptions{ResourceVersion: c.store.Written()})
	if err != nil {
		object, err = c.store.Get(ctx, name, &metav1.GetOptions{})
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	class, ok := object.(*dittofsv1alpha1.DittoServerClass)
	if !ok {
		return nil, fmt.Errorf("expected a DittoServerClass, got %T", object)
	}
	return class.DeepCopy(), nil // what it points to is the cache's
}

// Default looks into the watch cache too, by its index. Of several, the newest is
// chosen, and of two that are equally old the first by name, as the cluster does
// it with StorageClasses.
func (c *classes) Default(ctx context.Context) (*dittofsv1alpha1.DittoServerClass, error) {
	object, err := c.store.List(request.WithNamespace(ctx, metav1.NamespaceNone), &internalversion.ListOptions{
		ResourceVersion: c.store.Written(), ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
		FieldSelector: fields.OneTermEqualSelector(dittoserverclass.FieldDefault, "true"),
	})
	if err != nil {
		return nil, err
	}
	list, ok := object.(*dittofsv1alpha1.DittoServerClassList)
	if !ok {
		return nil, fmt.Errorf("expected DittoServerClasses, got %T", object)
	}
	var chosen *dittofsv1alpha1.DittoServerClass
	for i := range list.Items {
		class := &list.Items[i]
		if class.DeletionTimestamp != nil {
			continue
		}
		if chosen == nil || class.CreationTimestamp.After(chosen.CreationTimestamp.Time) ||
			class.CreationTimestamp.Equal(&chosen.CreationTimestamp) && class.Name < chosen.Name {
			chosen = class
		}
	}
	return chosen.DeepCopy(), nil
}

// OfClass reads what is stored now: a list without a resource version is never behind.
func (c *classes) OfClass(ctx context.Context, namespace, class string) ([]dittofsv1alpha1.DittoServer, error) {
	object, err := c.servers.List(request.WithNamespace(ctx, namespace), &internalversion.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("spec.className", class),
	})
	if err != nil {
		return nil, err
	}
	list, ok := object.(*dittofsv1alpha1.DittoServerList)
	if !ok {
		return nil, fmt.Errorf("expected DittoServers, got %T", object)
	}
	return list.Items, nil
}
