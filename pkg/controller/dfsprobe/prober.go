// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/nscheck"
)

// Prober asks servers in turn. Its Reconcile is called by a controller of its own, so that a server that does not answer
// holds up nothing but its own next round.
type Prober struct {
	// Servers reads DittoServers from a cache, Host objects of the host cluster from one.
	Servers client.Reader
	Host    client.Reader
	// Live reads Secrets and confirms what became of a namespace.
	Live client.Reader
	// Dial connects to a server.
	Dial Dial
	// URLTemplate, when set, is the address of servers instead of the pod's.
	URLTemplate string
	Interval    time.Duration
	Clock       clock.PassiveClock
	// Store receives what is seen; Changed is called when that is news.
	Store   *Store
	Changed func(ctx context.Context, server types.NamespacedName)

	mu     sync.Mutex
	states map[types.NamespacedName]*state
}

// state is what is kept between rounds with one server. The queue never has two workers on the same server.
type state struct {
	target   Target
	api      API
	secrets  secrets
	sign     func(context.Context) (string, error)
	due      time.Time
	failures int
}

// Reconcile asks a server if its time has come or something about it has changed, and says when to come back.
func (p *Prober) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	server := &dittofsv1alpha1.DittoServer{}
	if err := p.Servers.Get(ctx, req.NamespacedName, server); apierrors.IsNotFound(err) {
		p.drop(req.NamespacedName)
		p.Store.Forget(req.NamespacedName)
		return reconcile.Result{}, nil
	} else if err != nil {
		return reconcile.Result{}, fmt.Errorf("read DittoServer: %w", err)
	}
	askable, err := p.askable(ctx, server)
	if err != nil {
		return reconcile.Result{}, err
	}
	t, found, err := p.target(ctx, server)
	if err != nil {
		return reconcile.Result{}, err
	}
	if !askable || !found {
		// An event of the pod, the object or the namespace brings us back.
		p.pause(req.NamespacedName)
		if p.Store.Forget(req.NamespacedName) {
			p.Changed(ctx, req.NamespacedName)
		}
		return reconcile.Result{}, nil
	}
	st := p.state(req.NamespacedName)
	now := p.Clock.Now()
	if st.target == t && st.api != nil && now.Before(st.due) {
		return reconcile.Result{RequeueAfter: st.due.Sub(now)}, nil
	}
	if err := p.connect(st, t); err != nil {
		return reconcile.Result{}, reconcile.TerminalError(fmt.Errorf("dfs API of %s: %w", req.Name, err))
	}
	before, _ := p.Store.Get(req.NamespacedName)
	username := "dittofs-controller:" + string(server.UID)
	seen, failed := p.round(ctx, req.Namespace, username, t, st, before)
	if ctx.Err() != nil {
		// The term ended in the middle: what was seen is no observation.
		return reconcile.Result{}, nil
	}
	if failed {
		st.failures++
	} else {
		st.failures = 0
	}
	wait := delay(p.Interval, st.failures)
	st.due = p.Clock.Now().Add(wait)
	if p.Store.Put(req.NamespacedName, seen) {
		p.Changed(ctx, req.NamespacedName)
	}
	return reconcile.Result{RequeueAfter: wait}, nil
}

// askable says whether a server may be asked at all: not while it is deleted, and never in a namespace that is not, or
// not for much longer, the one it was created in.
func (p *Prober) askable(ctx context.Context, server *dittofsv1alpha1.DittoServer) (bool, error) {
	if server.DeletionTimestamp != nil {
		return false, nil
	}
	// The cache's word is enough here: in doubt nobody is asked.
	state, err := nscheck.Check(ctx, p.Host, p.Host, server)
	return state == nscheck.Same, err
}

func (p *Prober) state(server types.NamespacedName) *state {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.states == nil {
		p.states = map[types.NamespacedName]*state{}
	}
	st := p.states[server]
	if st == nil {
		st = &state{}
		p.states[server] = st
	}
	return st
}

// connect makes the connection that a target needs. A changed target is a new chance: it starts without failures.
func (p *Prober) connect(st *state, t Target) error {
	if st.api != nil && st.target == t {
		return nil
	}
	if st.target != t {
		st.failures = 0
	}
	if st.api != nil && st.target.BaseURL == t.BaseURL && st.target.Address == t.Address {
		st.target = t
		return nil
	}
	if st.api != nil {
		st.api.CloseIdleConnections()
	}
	api, err := p.Dial(t, func(ctx context.Context) (string, error) { return st.sign(ctx) })
	if err != nil {
		return err
	}
	st.api, st.target = api, t
	return nil
}

// pause closes the connection to a server that cannot be asked now, and keeps what is known of its secrets.
func (p *Prober) pause(server types.NamespacedName) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if st := p.states[server]; st != nil && st.api != nil {
		st.api.CloseIdleConnections()
		st.api, st.target = nil, Target{}
	}
}

func (p *Prober) drop(server types.NamespacedName) {
	p.pause(server)
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.states, server)
}
