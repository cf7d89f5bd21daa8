// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"context"
	"net/http"
)

// NFSSettings are those settings of the NFS adapter that decide which ports it opens beside its own. They say what was set:
// a change of them works from the next start of the adapter on.
type NFSSettings struct {
	PortmapperEnabled bool  `json:"portmapper_enabled"`
	PortmapperPort    int32 `json:"portmapper_port"`
	UDPEnabled        bool  `json:"udp_enabled"`
}

// NFSSettings asks for the settings of the NFS adapter. IsNotFound(err) when there is no such adapter.
func (c *Client) NFSSettings(ctx context.Context) (NFSSettings, error) {
	var out NFSSettings
	err := c.do(ctx, call{method: http.MethodGet, path: apiPrefix + "/adapters/" + AdapterNFS + "/settings", into: &out})
	return out, err
}
