// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// DatabaseReachable is the value of Health.ControlPlaneDB when the control-plane database answers.
const DatabaseReachable = "reachable"

// HealthPath is where a server tells how it is.
const HealthPath = "/health"

// Health is what GET /health says. The status code is always 200; only the body tells good from bad.
type Health struct {
	Status         string // "healthy" or "degraded"
	ControlPlaneDB string // "reachable", "unreachable" or "unknown"; dfs looks at most every 5 s
	StartedAt      time.Time
	UptimeSeconds  int64
}

// DatabaseReachable says whether the server reaches its control-plane database. "unknown" is not reachable.
func (h Health) DatabaseReachable() bool { return h.ControlPlaneDB == DatabaseReachable }

// Readiness is what GET /health/ready counts. It stays 200 with a dead database, a dead S3 and adapters that could not
// bind, so it proves only that the server has finished starting.
type Readiness struct {
	Shares          int
	MetadataStores  int
	AdaptersRunning int
	AdapterTypes    []string
	Grace           *GracePeriod // nil when no NFS adapter runs
}

// GracePeriod is the NFSv4 grace period after a restart, in which clients reclaim state and new opens wait.
type GracePeriod struct {
	Active           bool    `json:"active"`
	RemainingSeconds float64 `json:"remaining_seconds"`
	ExpectedClients  int     `json:"expected_clients"`
	ReclaimedClients int     `json:"reclaimed_clients"`
}

// Health asks GET /health, without a token.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var out struct {
		Status string `json:"status"`
		Data   struct {
			Service        string    `json:"service"`
			StartedAt      time.Time `json:"started_at"`
			UptimeSec      int64     `json:"uptime_sec"`
			ControlPlaneDB string    `json:"control_plane_db"`
		} `json:"data"`
	}
	if err := c.do(ctx, call{method: http.MethodGet, path: HealthPath, public: true, into: &out}); err != nil {
		return Health{}, err
	}
	if out.Data.Service != "dittofs" {
		return Health{}, &AnswerError{http.MethodGet, HealthPath, fmt.Sprintf("the service calls itself %q", cleanDetail(out.Data.Service, ""))}
	}
	return Health{
		Status:         out.Status,
		ControlPlaneDB: out.Data.ControlPlaneDB,
		StartedAt:      out.Data.StartedAt,
		UptimeSeconds:  out.Data.UptimeSec,
	}, nil
}

// Ready asks GET /health/ready, without a token.
func (c *Client) Ready(ctx context.Context) (Readiness, error) {
	var out struct {
		Data struct {
			Shares         int `json:"shares"`
			MetadataStores int `json:"metadata_stores"`
			Adapters       struct {
				Running int      `json:"running"`
				Types   []string `json:"types"`
			} `json:"adapters"`
			GracePeriod *GracePeriod `json:"grace_period"`
		} `json:"data"`
	}
	if err := c.do(ctx, call{method: http.MethodGet, path: "/health/ready", public: true, into: &out}); err != nil {
		return Readiness{}, err
	}
	return Readiness{
		Shares:          out.Data.Shares,
		MetadataStores:  out.Data.MetadataStores,
		AdaptersRunning: out.Data.Adapters.Running,
		AdapterTypes:    out.Data.Adapters.Types,
		Grace:           out.Data.GracePeriod,
	}, nil
}
