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
	// Interval is the time between two rounds with a server whose spec does not say.
	Interval time.Duration
	Clock    clock.PassiveClock
	// Store receives what is seen; Changed is called when that is news.
	Store   *Store
	Changed func(ctx context.Context, server types.NamespacedName)

	// Called counts each call, with what came of it. Nil: nobody counts.
	Called func(server types.NamespacedName, err error)

	// WritesAllowed says, with the reason, whether a server may be written to: not while its identity is in doubt. It is
	// asked before each round and must answer from memory. Nil: it may.
	WritesAllowed func(types.NamespacedName) (bool, string)
	// ObserveOnly says, with the reason, that nothing may be written to anybody for now. Nil: never.
	ObserveOnly func() (bool, string)

	mu      sync.Mutex
	states  map[types.NamespacedName]*state
	failing int // servers that are being asked although they did not answer the last time
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
	st := p.state(req.NamespacedName)
	t, found, err := p.target(ctx, server, st.target)
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
	wanted, err := p.wanted(ctx, server, st.run)
	if err != nil {
		return reconcile.Result{}, err
	}
	if interval := p.interval(server); interval != st.interval {
		st.interval, st.wait = interval, delay(interval, st.failures)
	}
	if now := p.Clock.Now(); st.target == t && st.wanted == wanted && now.Before(st.due()) {
		return reconcile.Result{RequeueAfter: st.due().Sub(now)}, nil
	}
	if st.failures > 0 && st.target == t {
		if !p.admitFailing() {
			return reconcile.Result{RequeueAfter: minPause}, nil
		}
		defer p.releaseFailing()
	}
	if st.wanted != wanted {
		st.wanted, st.dirty = wanted, true
	}
	before, _ := p.Store.Get(req.NamespacedName)
	v := newVisit(p, server, t, st, before)
	failed := v.round(ctx)
	if ctx.Err() != nil {
		// The term ended in the middle: what was seen is no observation.
		return reconcile.Result{}, nil
	}
	if failed {
		st.failures++
	} else {
		st.failures = 0
	}
	st.asked, st.wait = p.Clock.Now(), delay(st.interval, st.failures)
	if p.Store.Put(req.NamespacedName, v.o) {
		p.Changed(ctx, req.NamespacedName)
	}
	return reconcile.Result{RequeueAfter: max(st.due().Sub(st.asked), minPause)}, nil
}

// admitFailing lets a server that did not answer be asked, unless too many of its kind are: a dead API takes its time, and
// many of them would keep those waiting that live.
func (p *Prober) admitFailing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failing >= maxFailing {
		return false
	}
	p.failing++
	return true
}

func (p *Prober) releaseFailing() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failing--
}

// interval is the time between two rounds with a server that answers. A change of it works at once.
func (p *Prober) interval(server *dittofsv1alpha1.DittoServer) time.Duration {
	d, err := time.ParseDuration(server.Spec.AdapterDiscovery.PollingInterval)
	if err != nil || d < minInterval || d > maxInterval {
		return p.Interval
	}
	return d
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
