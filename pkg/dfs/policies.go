// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// SnapshotPolicy is the schedule by which the server takes snapshots of one share and forgets old ones.
type SnapshotPolicy struct {
	Share      string // "/export"; a missing slash is added by the server
	Enabled    bool
	Interval   time.Duration
	KeepLast   int           // 0: no bound by number
	TTL        time.Duration // 0: no bound by age
	NamePrefix string
	LastRunAt  *time.Time // read only
}

type wirePolicy struct {
	Share      string     `json:"share,omitempty"`
	Enabled    *bool      `json:"enabled,omitempty"`
	Interval   string     `json:"interval"`
	KeepLast   int        `json:"keep_last"`
	TTL        string     `json:"ttl,omitempty"`
	NamePrefix string     `json:"name_prefix,omitempty"`
	LastRunAt  *time.Time `json:"last_run_at,omitempty"`
}

// SnapshotPolicies lists the policies of all shares. It reads the database only, so a dead S3 does not slow it.
func (c *Client) SnapshotPolicies(ctx context.Context) ([]SnapshotPolicy, error) {
	const path = apiPrefix + "/snapshot-policies"
	var wire []wirePolicy
	if err := c.do(ctx, call{method: http.MethodGet, path: path, into: &wire}); err != nil {
		return nil, err
	}
	out := make([]SnapshotPolicy, 0, len(wire))
	for _, w := range wire {
		p, err := w.policy()
		if err != nil {
			return nil, &AnswerError{http.MethodGet, path, "a duration cannot be parsed"}
		}
		out = append(out, p)
	}
	return out, nil
}

// ShareName is a share's name as the server has it: with one leading slash, however many were given.
func ShareName(name string) string { return "/" + strings.TrimLeft(name, "/") }

// ParseInterval reads the interval of a policy as the server does: a positive Go duration, @hourly, @daily or @weekly.
func ParseInterval(text string) (time.Duration, error) {
	text = strings.TrimSpace(text)
	switch strings.ToLower(text) {
	case "@hourly":
		return time.Hour, nil
	case "@daily":
		return 24 * time.Hour, nil
	case "@weekly":
		return 7 * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("dfs: interval %q: want a positive duration such as 24h, or @hourly, @daily or @weekly", text)
	}
	return d, nil
}

// PutSnapshotPolicy creates or replaces the policy of p.Share. IsNotFound(err) when the share does not exist.
func (c *Client) PutSnapshotPolicy(ctx context.Context, p SnapshotPolicy) error {
	body := wirePolicy{Enabled: &p.Enabled, Interval: p.Interval.String(), KeepLast: p.KeepLast, NamePrefix: p.NamePrefix}
	if p.TTL > 0 {
		body.TTL = p.TTL.String()
	}
	return c.do(ctx, call{method: http.MethodPut, path: policyPath(p.Share), body: body})
}

// DeleteSnapshotPolicy removes the policy of a share. IsNotFound(err) when there is none.
func (c *Client) DeleteSnapshotPolicy(ctx context.Context, share string) error {
	return c.do(ctx, call{method: http.MethodDelete, path: policyPath(share)})
}

// policyPath leaves the leading slash of a share out: the server adds it, and %2F does not survive every proxy.
func policyPath(share string) string {
	return apiPrefix + "/shares/" + url.PathEscape(strings.TrimLeft(share, "/")) + "/snapshot-policy"
}

func (w wirePolicy) policy() (SnapshotPolicy, error) {
	p := SnapshotPolicy{Share: w.Share, KeepLast: w.KeepLast, NamePrefix: w.NamePrefix, LastRunAt: w.LastRunAt}
	p.Enabled = w.Enabled != nil && *w.Enabled
	var err error
	if p.Interval, err = time.ParseDuration(w.Interval); err != nil {
		return p, err
	}
	if w.TTL != "" {
		p.TTL, err = time.ParseDuration(w.TTL)
	}
	return p, err
}
