// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"time"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/registry/credentials"
	"github.com/dittofs/dittofs-apiserver/pkg/registry/proxy"
)

// accessOfClass is what the class of a server says, or the flag where it has none. A class that is gone gives nothing.
type accessOfClass struct {
	classes interface {
		Get(ctx context.Context, name string) (*dittofsv1alpha1.DittoServerClass, error)
	}
	without withoutClass
}

var (
	_ credentials.Caps = accessOfClass{}
	_ proxy.Caps       = accessOfClass{}
)

// access finds what the class of a server gives, with words for who decides. It is nil where the flag does.
func (a accessOfClass) access(ctx context.Context, server *dittofsv1alpha1.DittoServer) (*dittofsv1alpha1.ClassAccess, string, error) {
	if !server.Spec.HasClass() {
		return nil, "", nil
	}
	name := *server.Spec.ClassName
	class, err := a.classes.Get(ctx, name)
	switch {
	case err != nil:
		return nil, "", fmt.Errorf("read DittoServerClass %q: %w", name, err)
	case class == nil:
		return &dittofsv1alpha1.ClassAccess{}, fmt.Sprintf("DittoServerClass %q, which does not exist,", name), nil
	}
	return &class.Spec.Access, fmt.Sprintf("DittoServerClass %q", name), nil
}

// CredentialsCap bounds a token.
func (a accessOfClass) CredentialsCap(ctx context.Context, server *dittofsv1alpha1.DittoServer) (credentials.Cap, error) {
	access, by, err := a.access(ctx, server)
	if err != nil {
		return credentials.Cap{}, err
	}
	if access == nil {
		return a.without.CredentialsCap(ctx, server)
	}
	limit := credentials.Cap{Role: access.Credentials.MaxRole, By: by}
	if life := access.Credentials.MaxDuration; life != "" {
		if limit.Duration, err = time.ParseDuration(life); err != nil {
			return credentials.Cap{}, fmt.Errorf("%s: access.credentials.maxDuration: %w", by, err)
		}
	}
	return limit, nil
}

// ProxyAllowed says whether the proxy is on.
func (a accessOfClass) ProxyAllowed(ctx context.Context, server *dittofsv1alpha1.DittoServer) (bool, string, error) {
	access, by, err := a.access(ctx, server)
	if err != nil {
		return false, "", err
	}
	if access == nil {
		return a.without.ProxyAllowed(ctx, server)
	}
	return access.Proxy, by + " does not switch it on", nil
}
