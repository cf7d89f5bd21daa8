// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

// API is what a round asks of a dfs API, and tells it.
type API interface {
	Health(ctx context.Context) (dfs.Health, error)
	Adapters(ctx context.Context) ([]dfs.Adapter, error)
	NFSSettings(ctx context.Context) (dfs.NFSSettings, error)
	MachineSID(ctx context.Context) (string, error)
	LocalStorePaths(ctx context.Context) ([]string, error)
	LocalStores(ctx context.Context) ([]dfs.LocalStore, error)
	Shares(ctx context.Context) ([]dfs.Share, error)
	SnapshotPolicies(ctx context.Context) ([]dfs.SnapshotPolicy, error)
	PutSnapshotPolicy(ctx context.Context, p dfs.SnapshotPolicy) error
	IdentityProvider(ctx context.Context, provider string) (dfs.IdentityProvider, error)
	PutIdentityProvider(ctx context.Context, provider string, config dfs.IdentityProvider) error
	Setting(ctx context.Context, key string) (string, error)
	PutSetting(ctx context.Context, key, value string) error
	CloseIdleConnections()
}

// Dial returns the API at a target. tlsConfig is nil for plain HTTP; token is asked before each authenticated call.
type Dial func(t Target, tlsConfig *tls.Config, token func(context.Context) (string, error)) (API, error)

// DialPod connects to the address of a target, whatever host its URL names.
func DialPod(timeout time.Duration) Dial {
	return func(t Target, tlsConfig *tls.Config, token func(context.Context) (string, error)) (API, error) {
		return dfs.New(t.BaseURL, dfs.Options{
			Transport: dfs.NewPodTransport(t.Address, tlsConfig),
			Token:     token,
			Timeout:   timeout,
		})
	}
}
