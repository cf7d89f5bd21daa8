// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"errors"
	"syscall"
	"time"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

const (
	// tokenTTL is the life of a token: one round.
	tokenTTL = time.Minute
	// maxSkew is how far a server's clock may be ahead before a refused token is blamed on it.
	maxSkew = tokenTTL / 2
	// defaultPort is the port of a spec that was not defaulted.
	defaultPort = 8080
)

// API is what a round asks of a dfs API.
type API interface {
	Health(ctx context.Context) (dfs.Health, error)
	Adapters(ctx context.Context) ([]dfs.Adapter, error)
	CloseIdleConnections()
}

// Dial returns the API at a target; token is asked before each authenticated call.
type Dial func(t Target, token func(context.Context) (string, error)) (API, error)

// DialPod connects to the address of a target, whatever host its URL names.
func DialPod(timeout time.Duration) Dial {
	return func(t Target, token func(context.Context) (string, error)) (API, error) {
		return dfs.New(t.BaseURL, dfs.Options{
			Transport: dfs.NewPodTransport(t.Address, nil),
			Token:     token,
			Timeout:   timeout,
		})
	}
}

// round asks one server once. before is what was known until now; failed says that the next round should wait longer.
func (p *Prober) round(ctx context.Context, namespace, username string, t Target, st *state, before Observation) (o Observation, failed bool) {
	now := p.Clock.Now()
	o = Observation{Pod: t.Pod}
	if before.Pod == t.Pod {
		o = before
	}
	o.Failure = ""
	fail := func(how string) (Observation, bool) {
		o.Failure = how
		// Of a pod that is not ready nothing else can be expected.
		if t.Ready && o.FailingSince.IsZero() {
			o.FailingSince = now
		}
		return o, true
	}
	health, err := st.api.Health(ctx)
	if err != nil {
		return fail(describe(err))
	}
	o.Reached, o.DatabaseReachable, o.Database = true, health.DatabaseReachable(), health.ControlPlaneDB
	if !t.Ready {
		o.FailingSince = time.Time{}
		return o, false
	}
	if err := st.secrets.refresh(ctx, p.Live, namespace, t); err != nil {
		// Not a failure of the server: its health is known. The Secret is reported by who renders the pod.
		o.Token, o.TokenDetail, o.AdaptersKnown, o.Adapters = TokenUnsigned, err.Error(), false, nil
		o.FailingSince, o.LastSuccess = time.Time{}, now
		return o, true
	}
	adapters, err := p.authenticated(ctx, username, st)
	switch {
	case dfs.IsUnauthorized(err):
		o.Token, o.TokenDetail = refusal(err, t, now), ""
		o.AdaptersKnown, o.Adapters = false, nil
		o.FailingSince = time.Time{}
		return o, true
	case err != nil:
		return fail(describe(err))
	}
	o.Token, o.TokenDetail = TokenAccepted, ""
	o.AdaptersKnown, o.Adapters = true, enabled(adapters)
	o.FailingSince, o.LastSuccess = time.Time{}, now
	return o, false
}

// authenticated lists the adapters with the first JWT secret that the server accepts.
func (p *Prober) authenticated(ctx context.Context, username string, st *state) ([]dfs.Adapter, error) {
	var err error
	for _, secret := range st.secrets.candidates() {
		st.sign = func(context.Context) (string, error) {
			return dfs.SignToken(secret, dfs.Claims{Username: username, Role: dfs.RoleAdmin, TTL: tokenTTL, Now: p.Clock.Now()})
		}
		var adapters []dfs.Adapter
		if adapters, err = st.api.Adapters(ctx); err == nil {
			st.secrets.accepted(secret)
			return adapters, nil
		}
		if !dfs.IsUnauthorized(err) {
			break
		}
	}
	return nil, err
}

// refusal says why a token was refused. A server whose clock is behind takes a token for longer, one that is ahead not at
// all: it grants no leeway.
func refusal(err error, t Target, now time.Time) Token {
	var status *dfs.StatusError
	if errors.As(err, &status) && status.ServerTime.Sub(now) > maxSkew {
		return TokenClockSkew
	}
	if t.Stale {
		return TokenRestartPending
	}
	return TokenRefused
}

func enabled(adapters []dfs.Adapter) []Adapter {
	var out []Adapter
	for _, a := range adapters {
		if !a.Enabled {
			continue
		}
		seen := Adapter{Type: a.Type, Serving: a.Healthy()}
		if !seen.Serving {
			seen.Detail = a.Status.Message
			if seen.Detail == "" && a.Running {
				seen.Detail = "it says " + a.Status.Status
			} else if seen.Detail == "" {
				seen.Detail = "it does not run"
			}
		}
		out = append(out, seen)
	}
	return out
}

// describe puts a failed call into words that stay the same as long as the failure does: the text of a network error
// holds port numbers that differ each time.
func describe(err error) string {
	switch {
	case dfs.IsTimeout(err):
		return "no answer in time"
	case dfs.IsUntrusted(err):
		return "TLS failed"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to the pod"
	case dfs.IsUnreachable(err):
		return "the connection broke"
	case dfs.IsForeign(err):
		return "something other than a DittoFS server answers"
	default:
		return err.Error()
	}
}
