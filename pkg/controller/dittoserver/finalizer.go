// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// finalizeSubresource writes metadata.finalizers and nothing else, as on Namespace.
const finalizeSubresource = "finalize"

// ensureFinalizer adds our finalizer if it is missing. Our API sets it at create; an object restored from elsewhere may
// lack it, and would leave its parts behind.
func (p *pass) ensureFinalizer(ctx context.Context) error {
	obj := p.stored.DeepCopy()
	if !controllerutil.AddFinalizer(obj, dittofsv1alpha1.Finalizer) {
		return nil
	}
	if p.dryRun {
		p.plan = append(p.plan, "add the finalizer")
		return nil
	}
	if err := p.Servers.SubResource(finalizeSubresource).Update(ctx, obj); err != nil {
		return fmt.Errorf("add the finalizer: %w", err)
	}
	p.stored.Finalizers, p.stored.ResourceVersion = obj.Finalizers, obj.ResourceVersion
	p.writes.put(p.key, obj.ResourceVersion)
	return nil
}

// Finalize removes our finalizer from a deleted DittoServer, which is then gone unless somebody else holds it.
func Finalize(ctx context.Context, servers client.Client, server *dittofsv1alpha1.DittoServer) error {
	obj := server.DeepCopy()
	if !controllerutil.RemoveFinalizer(obj, dittofsv1alpha1.Finalizer) {
		return nil
	}
	err := servers.SubResource(finalizeSubresource).Update(ctx, obj)
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("remove the finalizer: %w", err)
	}
	return nil
}
