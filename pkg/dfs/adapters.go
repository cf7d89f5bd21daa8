// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// Adapter types of dfs. There is at most one adapter of each.
const (
	AdapterNFS = "nfs"
	AdapterSMB = "smb"
)

// StatusHealthy is the Status of a Report when the check passed. The others are degraded, unhealthy, unknown, disabled.
const StatusHealthy = "healthy"

// Report is the outcome of one of the checks dfs runs on its own parts, at most 5 s old.
type Report struct {
	Status  string `json:"status"`
	Message string `json:"message,omitempty"`
}

// Adapter is one protocol that the server speaks. Adapters live in the server's database: its configuration file does
// not know them, and their ports are whatever an administrator of the dfs API made them.
type Adapter struct {
	Type    string `json:"type"`
	Enabled bool   `json:"enabled"`
	Running bool   `json:"running"`
	Port    int32  `json:"port"`
	Status  Report `json:"status"`
}

// Healthy says that the adapter really serves. Running alone does not: dfs says running of an adapter whose port was
// taken, with the status "unknown". A disabled adapter is never healthy; ask about enabled ones.
func (a Adapter) Healthy() bool { return a.Running && a.Status.Status == StatusHealthy }

// Adapters lists the adapters, sorted by type. The role operator suffices.
func (c *Client) Adapters(ctx context.Context) ([]Adapter, error) {
	var out []Adapter
	if err := c.do(ctx, call{method: http.MethodGet, path: apiPrefix + "/adapters", into: &out}); err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b Adapter) int { return cmp.Compare(a.Type, b.Type) })
	return out, nil
}

// UpdateAdapter changes the fields that are not nil and restarts the adapter. A port out of range is refused here, because
// dfs stores it all the same and from then on panics at every start.
func (c *Client) UpdateAdapter(ctx context.Context, adapterType string, enabled *bool, port *int32) (Adapter, error) {
	body := struct {
		Enabled *bool  `json:"enabled,omitempty"`
		Port    *int32 `json:"port,omitempty"`
	}{enabled, port}
	path := apiPrefix + "/adapters/" + url.PathEscape(adapterType)
	if port != nil && (*port < 1 || *port > 65535) {
		return Adapter{}, fmt.Errorf("dfs: adapter %s: port %d is not between 1 and 65535", adapterType, *port)
	}
	var out Adapter
	err := c.do(ctx, call{method: http.MethodPut, path: path, body: body, into: &out})
	return out, err
}
