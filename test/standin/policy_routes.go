// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"
)

type policyRow struct {
	Share, NamePrefix    string
	Enabled              bool
	Interval, TTL        time.Duration
	KeepLast             int
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
	if refusal, ok := x.decode(&req); !ok {
		return refusal
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
	switch s {
	case "@hourly":
		return time.Hour, nil
	case "@daily":
		return 24 * time.Hour, nil
	case "@weekly":
		return 7 * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, err
	}
	if d <= 0 {
		return 0, fmt.Errorf("%s is not positive", s)
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

func listPolicies(x *exchange) answer {
	out := []any{}
	for _, p := range x.db.policies {
		out = append(out, showPolicy(p))
	}
	return ok(out)
}
