// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsaccess

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// JWTSecret names the Secret that tokens of a server are signed with.
func (*Access) JWTSecret(server *dittofsv1alpha1.DittoServer) string {
	return render.JWTSecret(server).Name
}

// Issue signs a token of a server's API with its JWT secret as it is now, and says when the token ends. A process that was
// started with an earlier secret refuses it.
func (a *Access) Issue(ctx context.Context, server *dittofsv1alpha1.DittoServer, username string, role dittofsv1alpha1.CredentialsRole, ttl time.Duration) (string, time.Time, error) {
	if err := a.fence(ctx, server); err != nil {
		return "", time.Time{}, err
	}
	key := render.JWTSecret(server)
	secret, err := a.secret(ctx, server.Namespace, key.Name)
	var missing missingSecret
	if errors.As(err, &missing) {
		return "", time.Time{}, conflict(server, fmt.Sprintf("%v, which is to have its JWT secret: see the condition ConfigReady", missing))
	} else if err != nil {
		return "", time.Time{}, unavailable(server, "sign a token", err)
	}
	value := secret.Data[key.Key]
	switch {
	case len(value) == 0:
		return "", time.Time{}, conflict(server, fmt.Sprintf("the Secret %s with its JWT secret has no key %s", key.Name, key.Key))
	case len(value) < dfs.MinSecretBytes:
		return "", time.Time{}, conflict(server, fmt.Sprintf("the JWT secret in key %s of Secret %s is shorter than %d bytes, and dfs does not start with it",
			key.Key, key.Name, dfs.MinSecretBytes))
	}
	// A token tells whole seconds.
	now := a.Clock.Now().Truncate(time.Second)
	token, err := dfs.SignToken(value, dfs.Claims{Username: username, UID: uuid.NewString(), Role: dfs.Role(role), TTL: ttl, Now: now})
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign a token for DittoServer %s: %w", server.Name, err)
	}
	return token, now.Add(ttl), nil
}
