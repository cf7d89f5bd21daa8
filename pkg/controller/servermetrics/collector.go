// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servermetrics

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// scrapeTimeout bounds the wait for a cache that is still being filled.
const scrapeTimeout = time.Second

func desc(name, help string, labels ...string) *metrics.Desc {
	return metrics.NewDesc(metrics.BuildFQName("dittofs", "server", name), help,
		append([]string{"namespace", "name"}, labels...), nil, metrics.ALPHA, "")
}

var (
	condition = desc("condition", "1 for the status that a condition of a DittoServer has. The status true has a series always, the others while they hold.", "type", "status")
	passes    = desc("reconciles_total", "Passes of the controller over a DittoServer, by their result.", "result")
	seconds   = desc("reconcile_seconds_total", "Time that the passes over a DittoServer have taken.")
	completed = desc("reconcile_last_success_age_seconds",
		"Time since the last pass over a DittoServer that ended without an error. It grows at rest: a pass needs a reason.")
	calls    = desc("dfs_requests_total", "Calls of the dfs API of a DittoServer, by what came of them.", "outcome")
	expiry   = desc("certificate_expiration_timestamp_seconds", "When a certificate that the spec of a DittoServer leads to ends, as it was last read.", "certificate")
	answered = desc("dfs_last_success_age_seconds", "Time since the dfs API of a DittoServer last answered a call with success.")
)

// collector serves the table of the term that runs. A counter for each server kept by the library would have to be
// deleted by hand; what is made at the scrape is gone with its server.
type collector struct {
	metrics.BaseStableCollector
	table atomic.Pointer[Table]
}

var (
	exposed  collector
	register sync.Once
)

// Register makes the metrics visible; registering again does nothing.
func Register() {
	register.Do(func() { legacyregistry.CustomMustRegister(&exposed) })
}

// Expose serves a table until the returned function is called, which is at the end of its term.
func (t *Table) Expose() (hide func()) {
	exposed.table.Store(t)
	return func() { exposed.table.CompareAndSwap(t, nil) }
}

// DescribeWithStability names the metrics.
func (c *collector) DescribeWithStability(ch chan<- *metrics.Desc) {
	for _, d := range []*metrics.Desc{condition, passes, seconds, completed, calls, answered, expiry} {
		ch <- d
	}
}

// CollectWithStability makes the series of every DittoServer in the cache.
func (c *collector) CollectWithStability(ch chan<- metrics.Metric) {
	t := c.table.Load()
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout) //nolint:forbidigo // a scrape hands its collectors none
	defer cancel()
	list := &dittofsv1alpha1.DittoServerList{}
	// Nothing here changes an object of the cache.
	if err := t.servers.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
		return // the cache is not filled yet: nothing is known
	}
	now := t.clock.Now()
	for i := range list.Items {
		server := &list.Items[i]
		conditions(ch, server)
		if t.Ends != nil {
			for certificate, at := range t.Ends(types.NamespacedName{Namespace: server.Namespace, Name: server.Name}) {
				ch <- metrics.NewLazyConstMetric(expiry, metrics.GaugeValue, float64(at.Unix()), server.Namespace, server.Name, certificate)
			}
		}
		if r, known := t.rowOf(types.NamespacedName{Namespace: server.Namespace, Name: server.Name}); known {
			r.collect(ch, now, server.Namespace, server.Name)
		}
	}
}

// conditions are, for each condition, the series of the status "true", and that of another status while it holds: what is
// written for kube-state-metrics works, and a scrape of thousands of servers stays small.
func conditions(ch chan<- metrics.Metric, server *dittofsv1alpha1.DittoServer) {
	for _, c := range server.Status.Conditions {
		send := func(status metav1.ConditionStatus, value float64) {
			ch <- metrics.NewLazyConstMetric(condition, metrics.GaugeValue, value,
				server.Namespace, server.Name, c.Type, strings.ToLower(string(status)))
		}
		if c.Status == metav1.ConditionTrue {
			send(metav1.ConditionTrue, 1)
			continue
		}
		send(metav1.ConditionTrue, 0)
		send(c.Status, 1)
	}
}

func (r row) collect(ch chan<- metrics.Metric, now time.Time, namespace, name string) {
	send := func(d *metrics.Desc, kind metrics.ValueType, value float64, labels ...string) {
		ch <- metrics.NewLazyConstMetric(d, kind, value, append([]string{namespace, name}, labels...)...)
	}
	send(passes, metrics.CounterValue, r.passes-r.errors, "success")
	send(passes, metrics.CounterValue, r.errors, "error")
	send(seconds, metrics.CounterValue, r.seconds)
	if !r.completed.IsZero() {
		send(completed, metrics.GaugeValue, now.Sub(r.completed).Seconds())
	}
	for o, n := range r.calls {
		// An outcome that never was needs no series.
		if n > 0 {
			send(calls, metrics.CounterValue, n, outcomeNames[o])
		}
	}
	if !r.answered.IsZero() {
		send(answered, metrics.GaugeValue, now.Sub(r.answered).Seconds())
	}
}
