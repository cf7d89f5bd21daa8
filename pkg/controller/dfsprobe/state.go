// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

// state is what is kept between rounds with one server. The queue never has two workers on the same server.
type state struct {
	target  Target
	api     API
	secrets secrets
	sign    func(context.Context) (string, error)
	client  ClientCertificate // that the connection shows

	// When the last round was, and how long the next one waits.
	asked    time.Time
	interval time.Duration
	wait     time.Duration
	failures int
	// wanted is the fingerprint of what the last round was to bring about; dirty, that not all of it was tried yet.
	wanted string
	dirty  bool

	run      run
	nfs      *dfs.NFSSettings // as last read
	adapters []Adapter        // of the last round, to notice a change
	rounds   int              // successful ones since the settings of the adapters were last read
	policies map[string]*policyState
	identity identityState
}

// run is one life of a dfs process. A process that was restarted may have come up on another database.
type run struct {
	process process
	started time.Time
	sid     string // empty until it was asked
}

// due is when the next round is, unless something changes before.
func (st *state) due() time.Time {
	due := st.asked.Add(st.wait)
	for _, again := range st.retries() {
		// One that a round passed over, because it did not get that far, waits for the next.
		if again.After(st.asked) && again.Before(due) {
			due = again
		}
	}
	return due
}

// retries are the times at which something that dfs refused is tried again. A server that does not answer is not told
// anything before its next round.
func (st *state) retries() []time.Time {
	if st.failures > 0 {
		return nil
	}
	var out []time.Time
	for _, p := range st.policies {
		if p.retry.pending() {
			out = append(out, p.retry.at)
		}
	}
	for _, p := range st.identity.providers {
		if p.retry.pending() {
			out = append(out, p.retry.at)
		}
	}
	return out
}

// retry is when to try again what failed.
type retry struct {
	failures int
	at       time.Time
}

func (r *retry) pending() bool { return r.failures > 0 }

func (r *retry) due(now time.Time) bool { return !now.Before(r.at) }

func (r *retry) failed(now time.Time) {
	r.failures++
	r.at = now.Add(delay(0, r.failures))
}

func (r *retry) reset() { *r = retry{} }

func (p *Prober) state(server types.NamespacedName) *state {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.states == nil {
		p.states = map[types.NamespacedName]*state{}
	}
	st := p.states[server]
	if st == nil {
		st = &state{policies: map[string]*policyState{}}
		p.states[server] = st
	}
	return st
}

// connect makes the connection that a target needs. A changed target is a new chance: it starts without failures.
func (p *Prober) connect(ctx context.Context, server types.NamespacedName, st *state, t Target) error {
	if st.target != t {
		st.failures = 0
	}
	if st.api != nil && st.target.Endpoint == t.Endpoint {
		st.target = t
		return nil
	}
	st.disconnect()
	st.target, st.client = t, ClientCertificate{}
	config, err := t.TLS.Config(ctx, secretReader{p.Live}.get, server.Namespace)
	if err != nil {
		return err
	}
	if config != nil && len(config.Certificates) > 0 && config.Certificates[0].Leaf != nil {
		leaf := config.Certificates[0].Leaf
		st.client = ClientCertificate{Secret: t.TLS.ClientSecret, From: leaf.NotBefore, Until: leaf.NotAfter}
	}
	st.api, err = p.Dial(t, config, func(ctx context.Context) (string, error) { return st.sign(ctx) })
	if api, ok := st.api.(interface{ OnCall(func(error)) }); ok && err == nil && p.Called != nil {
		api.OnCall(func(err error) { p.Called(server, err) })
	}
	return err
}

func (st *state) disconnect() {
	if st.api != nil {
		st.api.CloseIdleConnections()
		st.api = nil
	}
}

// pause closes the connection to a server that cannot be asked now, and keeps what is known of its secrets.
func (p *Prober) pause(server types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if st := p.states[server]; st != nil {
		st.disconnect()
		st.target = Target{}
	}
}

func (p *Prober) drop(server types.NamespacedName) {
	p.pause(server)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.states, server)
}
