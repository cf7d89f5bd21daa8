// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"context"
	"net/http"
	"slices"
)

// LocalStorePaths lists the directories of the local block stores, sorted. Stores in memory have none. Shares that have no
// store of their own in it make no difference: a store that is listed may be given to a share at any time.
func (c *Client) LocalStorePaths(ctx context.Context) ([]string, error) {
	var stores []struct {
		Config struct {
			Path string `json:"path"`
		} `json:"config"`
	}
	if err := c.do(ctx, call{method: http.MethodGet, path: apiPrefix + "/store/block/local", into: &stores}); err != nil {
		return nil, err
	}
	paths := []string{}
	for _, s := range stores {
		if s.Config.Path != "" {
			paths = append(paths, s.Config.Path)
		}
	}
	slices.Sort(paths)
	return paths, nil
}
