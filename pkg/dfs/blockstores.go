// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"context"
	"net/http"
	"slices"
)

// LocalStore is one local block store.
type LocalStore struct {
	ID string
	// Path is its directory, empty for one in memory.
	Path string
}

// LocalStores lists the local block stores.
func (c *Client) LocalStores(ctx context.Context) ([]LocalStore, error) {
	var rows []struct {
		ID     string `json:"id"`
		Config struct {
			Path string `json:"path"`
		} `json:"config"`
	}
	if err := c.do(ctx, call{method: http.MethodGet, path: apiPrefix + "/store/block/local", into: &rows}); err != nil {
		return nil, err
	}
	stores := make([]LocalStore, 0, len(rows))
	for _, r := range rows {
		stores = append(stores, LocalStore{ID: r.ID, Path: r.Config.Path})
	}
	return stores, nil
}

// LocalStorePaths lists the directories of the local block stores, sorted. Stores in memory have none. Shares that have no
// store of their own in it make no difference: a store that is listed may be given to a share at any time.
func (c *Client) LocalStorePaths(ctx context.Context) ([]string, error) {
	stores, err := c.LocalStores(ctx)
	if err != nil {
		return nil, err
	}
	paths := []string{}
	for _, s := range stores {
		if s.Path != "" {
			paths = append(paths, s.Path)
		}
	}
	slices.Sort(paths)
	return paths, nil
}
