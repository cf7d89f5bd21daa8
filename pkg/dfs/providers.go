// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"context"
	"net/http"
	"net/url"
)

// Identity providers of dfs.
const (
	ProviderLDAP     = "ldap"
	ProviderKerberos = "kerberos"
)

// MaskedSecret is what dfs sends in the place of a stored secret. Sent back, or left out, it keeps what is stored.
const MaskedSecret = "********"

// IdentityProvider is the configuration of one provider as the server has stored it, under the server's own keys, its
// secrets masked. The configuration file only seeds it at the first enabled start; from then on this is what counts.
type IdentityProvider map[string]any

// Enabled says whether the server uses the provider.
func (p IdentityProvider) Enabled() bool { on, _ := p["enabled"].(bool); return on }

// IdentityProvider asks for the stored configuration. IsNotFound(err) when nothing was ever stored.
func (c *Client) IdentityProvider(ctx context.Context, provider string) (IdentityProvider, error) {
	out := IdentityProvider{}
	err := c.do(ctx, call{method: http.MethodGet, path: providerPath(provider), into: &out})
	return out, err
}

// PutIdentityProvider replaces the configuration. LDAP follows at once; the principal and keytab of Kerberos need a
// restart. A provider cannot be removed: put enabled: false.
func (c *Client) PutIdentityProvider(ctx context.Context, provider string, config IdentityProvider) error {
	return c.do(ctx, call{method: http.MethodPut, path: providerPath(provider), body: config})
}

func providerPath(provider string) string {
	return apiPrefix + "/identity-providers/" + url.PathEscape(provider) + "/config"
}
