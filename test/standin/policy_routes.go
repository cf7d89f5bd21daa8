// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

type policyRow struct {
	Share, NamePrefix    string
	Enabled              bool
	Interval, TTL        time.Duration
	KeepLast             int
	LastRunAt            *time.Time
	CreatedAt, UpdatedAt time.Time
}

func showPolicy(p *policyRow) map[string]any {
	out := map[string]any{
		"share": p.Share, "enabled": p.Enabled, "interval": p.Interval.String(), "keep_last": p.KeepLast,
		"created_at": p.CreatedAt, "updated_at": p.UpdatedAt,
	}
	if p.TTL > 0 {
		out["ttl"] = p.TTL.String()
	}
	if p.NamePrefix != "" {
		out["name_prefix"] = p.NamePrefix
	}
	if p.LastRunAt != nil {
		out["last_run_at"] = *p.LastRunAt
	}
	return out
}

var prefixPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{0,64}$`)

func putPolicy(x *exchange) answer {
	var req struct {
		Interval   string `json:"interval"`
		KeepLast   int    `json:"keep_last"`
		TTL        string `json:"ttl"`
		Enabled    *bool  `json:"enabled"`
		NamePrefix string `json:"name_prefix"`
	}
	// Unlike the other handlers, those of snapshots take no body for an empty one, and quote the decoder.
	if len(bytes.TrimSpace(x.body)) > 0 {
		if err := json.NewDecoder(bytes.NewReader(x.body)).Decode(&req); err != nil {
			return badRequest("invalid request body: %v", err)
		}
	}
	interval, err := parseInterval(req.Interval)
	if err != nil {
		return badRequest("invalid interval: %v", err)
	}
	var ttl time.Duration
	if req.TTL != "" && req.TTL != "0" {
		if ttl, err = time.ParseDuration(req.TTL); err == nil && ttl < 0 {
			err = errors.New("must be >= 0")
		}
		if err != nil {
			return badRequest("invalid ttl: %v", err)
		}
	}
	if req.KeepLast < 0 {
		return badRequest("keep_last must be >= 0")
	}
	if !prefixPattern.MatchString(req.NamePrefix) {
		return badRequest("invalid name_prefix: must match ^[A-Za-z0-9_-]{0,64}$")
	}
	share := x.share()
	if x.db.findShare(share) == nil {
		return notFound("share not found")
	}
	now := x.p.now()
	p := x.db.findPolicy(share)
	if p == nil {
		p = &policyRow{Share: share, CreatedAt: now}
		x.db.policies = append(x.db.policies, p)
	}
	p.Enabled = req.Enabled == nil || *req.Enabled
	p.Interval, p.TTL, p.KeepLast, p.NamePrefix, p.UpdatedAt = interval, ttl, req.KeepLast, req.NamePrefix, now
	return ok(showPolicy(p))
}

func parseInterval(s string) (time.Duration, error) {
	trimmed := strings.TrimSpace(s)
	switch strings.ToLower(trimmed) {
	case "":
		return 0, errors.New("schedule: empty interval")
	case "@hourly":
		return time.Hour, nil
	case "@daily":
		return 24 * time.Hour, nil
	case "@weekly":
		return 7 * 24 * time.Hour, nil
	}
	if strings.HasPrefix(trimmed, "@") {
		return 0, fmt.Errorf("schedule: unknown shorthand %q (want @hourly, @daily, @weekly)", trimmed)
	}
	d, err := time.ParseDuration(trimmed)
	if err != nil {
		return 0, fmt.Errorf("schedule: invalid interval %q: %w", s, err)
	}
	if d <= 0 {
		return 0, fmt.Errorf("schedule: interval must be positive, got %q", s)
	}
	return d, nil
}

func getPolicy(x *exchange) answer {
	p := x.db.findPolicy(x.share())
	if p == nil {
		return notFound("snapshot policy not found")
	}
	return ok(showPolicy(p))
}

func deletePolicy(x *exchange) answer {
	p := x.db.findPolicy(x.share())
	if p == nil {
		return notFound("snapshot policy not found")
	}
	x.db.policies = slices.DeleteFunc(x.db.policies, func(o *policyRow) bool { return o == p })
	return noContent()
}

// runPolicy takes no snapshot, and says that one was taken.
func runPolicy(x *exchange) answer {
	p := x.db.findPolicy(x.share())
	if p == nil {
		return notFound("snapshot policy not found")
	}
	now := x.p.now().UTC()
	p.LastRunAt, p.UpdatedAt = &now, now
	id := uuid.NewString()
	return asJSON(http.StatusAccepted, "application/json", map[string]any{"snapshot_id": id, "share": p.Share}).
		with("Location", "/api/v1/shares/"+url.PathEscape(p.Share)+"/snapshots/"+id)
}

func listPolicies(x *exchange) answer {
	out := []any{}
	slices.SortFunc(x.db.policies, func(a, b *policyRow) int { return strings.Compare(a.Share, b.Share) })
	for _, p := range x.db.policies {
		out = append(out, showPolicy(p))
	}
	return ok(out)
}
