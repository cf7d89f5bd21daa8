// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Share is what GET /shares says of one.
type Share struct {
	Name string
	// LocalStore is the ID of its local block store.
	LocalStore string
	// HasRemote says that blocks leave the local store for a remote one.
	HasRemote bool
	// LocalStoreSize is its share of the local store in bytes, to two decimals of the unit that dfs prints; 0 if it has none
	// of its own, so that dfs chooses at its start.
	LocalStoreSize int64
}

// Shares lists the shares. Never ask for it in passing: dfs asks every remote store for its health first, and takes half a
// minute over one that is dead.
func (c *Client) Shares(ctx context.Context) ([]Share, error) {
	var rows []struct {
		Name             string  `json:"name"`
		LocalBlockStore  string  `json:"local_block_store_id"`
		RemoteBlockStore *string `json:"remote_block_store_id"`
		LocalStoreSize   string  `json:"local_store_size"`
	}
	if err := c.do(ctx, call{method: http.MethodGet, path: apiPrefix + "/shares", into: &rows}); err != nil {
		return nil, err
	}
	shares := make([]Share, 0, len(rows))
	for _, r := range rows {
		size, known := ParseSize(r.LocalStoreSize)
		if r.LocalStoreSize != "" && !known {
			return nil, &AnswerError{http.MethodGet, "/shares", "the share " + cleanDetail(r.Name, "") + " has a local_store_size that is no size"}
		}
		shares = append(shares, Share{
			Name: r.Name, LocalStore: r.LocalBlockStore, LocalStoreSize: size,
			HasRemote: r.RemoteBlockStore != nil && *r.RemoteBlockStore != "",
		})
	}
	return shares, nil
}

// size is how dfs writes and reads sizes: "10Gi", "2.00GiB", "500MB", "1024".
var size = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?) *([KMGT]?)(I?)B?$`)

// ParseSize reads a size as dfs writes it, in bytes.
func ParseSize(text string) (int64, bool) {
	match := size.FindStringSubmatch(strings.ToUpper(strings.TrimSpace(text)))
	if match == nil {
		return 0, false
	}
	n, err := strconv.ParseFloat(match[1], 64)
	if err != nil {
		return 0, false
	}
	base := 1000.0
	if match[3] != "" {
		base = 1024
	}
	for range strings.Index("KMGT", match[2]) + 1 {
		if match[2] != "" {
			n *= base
		}
	}
	if n >= 1<<63 {
		return 0, false
	}
	return int64(n), true
}
