// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package servermetrics owns the metrics about single DittoServers.
// In go passes of the controller and calls of dfs APIs; out come, at a scrape, a bounded number of series for each
// DittoServer that exists. It never keeps a row of one that is gone, and asks no API: it reads a cache and its own table.
package servermetrics

import (
	"context"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// Table holds what is counted of each DittoServer in one term of the controllers.
type Table struct {
	servers client.Reader // a cache
	clock   clock.PassiveClock
	// Ends tells when the certificates of a server end, by a word for each, without asking anybody. It is set before the
	// table is exposed; nil if nobody knows any.
	Ends func(server types.NamespacedName) map[string]time.Time

	mu   sync.Mutex
	rows map[types.NamespacedName]*row
}

// row is what is counted of one DittoServer. It is made by the first pass over one that exists.
type row struct {
	passes    float64
	errors    float64
	seconds   float64
	completed time.Time // the last pass without an error
	calls     [outcomes]float64
	answered  time.Time // the last call that succeeded
}

// NewTable returns an empty table over the DittoServers in a cache.
func NewTable(servers client.Reader, clock clock.PassiveClock) *Table {
	return &Table{servers: servers, clock: clock, rows: map[types.NamespacedName]*row{}}
}

// Around counts the passes of a reconciler of DittoServers, and drops the row of one that is gone.
func (t *Table) Around(r reconcile.Reconciler) reconcile.Reconciler {
	return reconcile.Func(func(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
		began := t.clock.Now()
		res, err := r.Reconcile(ctx, req)
		if ctx.Err() != nil {
			return res, err // the term ended in the middle
		}
		took := t.clock.Since(began)
		// Asked afterwards: the pass may have let the object go. Its last event calls another pass, so that no row stays.
		lookup := t.servers.Get(ctx, req.NamespacedName, &dittofsv1alpha1.DittoServer{})
		if apierrors.IsNotFound(lookup) {
			t.forget(req.NamespacedName)
		} else {
			t.passed(req.NamespacedName, took, err)
		}
		return res, err
	})
}

func (t *Table) passed(server types.NamespacedName, took time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rows[server]
	if r == nil {
		r = &row{}
		t.rows[server] = r
	}
	r.passes++
	r.seconds += took.Seconds()
	if err != nil {
		r.errors++
		return
	}
	r.completed = t.clock.Now()
}

// Called counts one call of the dfs API of a server, by what came of it. One that has no row is being deleted.
func (t *Table) Called(server types.NamespacedName, err error) {
	o := outcomeOf(err)
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.rows[server]
	if r == nil || o == outcomes {
		return
	}
	r.calls[o]++
	if o == succeeded {
		r.answered = t.clock.Now()
	}
}

func (t *Table) forget(server types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.rows, server)
}

// rowOf is a copy of a row.
func (t *Table) rowOf(server types.NamespacedName) (row, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if r := t.rows[server]; r != nil {
		return *r, true
	}
	return row{}, false
}
