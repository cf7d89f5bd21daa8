// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserverclass

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Delete keeps a class that is used.
func (r *REST) Delete(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	return r.Store.Delete(ctx, name, r.unused(validate), options)
}

// DeleteCollection keeps the classes that are used, and ends at the first of them.
func (r *REST) DeleteCollection(ctx context.Context, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions, list *internalversion.ListOptions) (runtime.Object, error) {
	return r.Store.DeleteCollection(ctx, r.unused(validate), options, list)
}

// unused is asked about the object as it is stored. A server that is created in
// the same moment may still get the class: its condition ClassConformant says
// that the class is gone.
func (r *REST) unused(validate rest.ValidateObjectFunc) rest.ValidateObjectFunc {
	return func(ctx context.Context, obj runtime.Object) error {
		if validate != nil {
			if err := validate(ctx, obj); err != nil {
				return err
			}
		}
		class, ok := obj.(*dittofsv1alpha1.DittoServerClass)
		if !ok {
			return fmt.Errorf("expected a DittoServerClass to delete, got %T", obj)
		}
		servers, err := r.users.of(ctx, class.Name, true)
		if err != nil {
			return err
		}
		if len(servers) == 0 {
			return nil
		}
		return apierrors.NewConflict(dittofsv1alpha1.Resource("dittoserverclasses"), class.Name, fmt.Errorf(
			"the class is in use by %d DittoServers: %s; delete them first: a server keeps its class for life", len(servers), named(servers)))
	}
}
