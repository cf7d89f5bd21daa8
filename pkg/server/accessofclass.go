// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/registry/rest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/registry/credentials"
	"github.com/dittofs/dittofs-apiserver/pkg/registry/proxy"
)

// accessOfClass is what the class of a server says, or the flag where it has none. A class that is gone gives nothing.
type accessOfClass struct {
	classes rest.Getter
	without withoutClass
}

var (
	_ credentials.Caps = accessOfClass{}
	_ proxy.Caps       = accessOfClass{}
)

// access finds what the class of a server gives, with words for who decides. It is nil where the flag does.
func (a accessOfClass) access(ctx context.Context, server *dittofsv1alpha1.DittoServer) (*dittofsv1alpha1.ClassAccess, string, error) {
	if server.Spec.ClassName == nil || *server.Spec.ClassName == "" {
		return nil, "", nil
	}
	name := *server.Spec.ClassName
	obj, err := a.classes.Get(ctx, name, &metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return &dittofsv1alpha1.ClassAccess{}, fmt.Sprintf("DittoServerClass %q, which does not exist,", name), nil
	case err != nil:
		return nil, "", fmt.Errorf("read DittoServerClass %q: %w", name, err)
	}
	return &obj.(*dittofsv1alpha1.DittoServerClass).Spec.Access, fmt.Sprintf("DittoServerClass %q", name), nil
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
