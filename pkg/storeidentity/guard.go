// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package storeidentity

import (
	"context"
	"fmt"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/klog/v2"
)

// ReasonStoreReplaced is the reason of the event for a store that came up empty.
const ReasonStoreReplaced = "StoreReplaced"

// DefaultRecordInterval is the least time between two writes of the ConfigMap.
const DefaultRecordInterval = 30 * time.Second

// Verdict is whether the server may change anything.
type Verdict struct {
	// ObserveOnly is true when the store is older than the one the host knows, or
	// another: what it holds must not be carried out.
	ObserveOnly bool
	// Reason says why, in a sentence; empty when serving.
	Reason string
}

// Guard compares store and host at start and keeps the host's copy up to date.
type Guard struct {
	store  *store
	host   *host
	accept bool
	record time.Duration
	// seen is the revision of the last change, recorded that of the last one that the host knows of.
	seen, recorded int64
}

// Config says which store and which host to compare.
type Config struct {
	Etcd *clientv3.Client
	// Prefix and Group name where in etcd the objects are: PREFIX/GROUP/.
	Prefix, Group string
	Host          kubernetes.Interface
	// Namespace of the host holds the ConfigMap dittofs-store.
	Namespace string
	// Accept takes the store as it is, whatever the host remembers.
	Accept bool
	// RecordInterval is the least time between two writes of the ConfigMap. Zero: 30 seconds.
	RecordInterval time.Duration
}

// New returns a guard that has not looked yet.
func New(config Config) *Guard {
	if config.RecordInterval == 0 {
		config.RecordInterval = DefaultRecordInterval
	}
	return &Guard{
		record: config.RecordInterval,
		store:  newStore(config.Etcd, config.Prefix, config.Group),
		host:   &host{client: config.Host, namespace: config.Namespace},
		accept: config.Accept,
	}
}

var (
	replacedTotal = metrics.NewCounter(&metrics.CounterOpts{
		Namespace: "dittofs", Subsystem: "store", Name: "replaced_total", StabilityLevel: metrics.ALPHA,
		Help: "Times that the store was found empty although the host cluster knew one.",
	})
	observeOnly = metrics.NewGauge(&metrics.GaugeOpts{
		Namespace: "dittofs", Subsystem: "store", Name: "observe_only", StabilityLevel: metrics.ALPHA,
		Help: "1 while the server changes nothing, because its store is older than the one the host cluster knows, or another.",
	})
)

// RegisterMetrics makes the guard's metrics visible; registering again does nothing.
var RegisterMetrics = sync.OnceFunc(func() { legacyregistry.MustRegister(replacedTotal, observeOnly) })

// Check gives the verdict, and an identity to a store that has none. It runs
// before anything is served.
func (g *Guard) Check(ctx context.Context) (Verdict, error) {
	found, err := g.store.read(ctx)
	if err != nil {
		return Verdict{}, err
	}
	known, err := g.host.read(ctx)
	if err != nil {
		return Verdict{}, err
	}
	verdict := judge(found, known)
	if verdict.ObserveOnly && !g.accept {
		observeOnly.Set(1)
		klog.ErrorS(nil, "Observing only: the controllers change nothing and writes are refused", "reason", verdict.Reason)
		return verdict, nil
	}
	observeOnly.Set(0)
	replaced := found.empty && known != nil && (found.record == nil || found.record.ID != known.ID || found.record.Revision < known.Revision)
	if replaced || found.record == nil {
		// An empty store of the known name is a new one all the same: under the
		// old name, it would seem to have gone back in time at the next start.
		if found.record, err = g.store.identify(ctx, found); err != nil {
			return Verdict{}, err
		}
	}
	if replaced {
		g.reportReplaced(ctx, known.ID, found.record.ID)
	}
	return Verdict{}, g.host.write(ctx, found.record, replaced || g.accept)
}

// judge is the rule: an empty store is harmless, everything else must be the one
// that the host knows, and not older. A store with an identity has been known to
// a host: where none is known, this is another host, or one that was rebuilt.
func judge(found *state, known *record) Verdict {
	switch {
	case found.empty, known == nil && found.record == nil:
		return Verdict{}
	case known == nil:
		return Verdict{true, fmt.Sprintf("this is store %s, the host cluster knows none", found.record.ID)}
	case found.record == nil:
		return Verdict{true, fmt.Sprintf("the store has no identity and holds objects, the host cluster knows store %s", known.ID)}
	case found.record.ID != known.ID:
		return Verdict{true, fmt.Sprintf("this is store %s, the host cluster knows store %s", found.record.ID, known.ID)}
	case found.record.Revision < known.Revision:
		return Verdict{true, fmt.Sprintf("the store is at revision %d, the host cluster has seen it at %d: it went back in time", found.record.Revision, known.Revision)}
	}
	return Verdict{}
}

func (g *Guard) reportReplaced(ctx context.Context, lost, current string) {
	message := fmt.Sprintf("The store %s is gone and the empty store %s is in its place. Running servers go on; apply your DittoServers again and they are adopted without a restart. Who applies them must be allowed to update StatefulSets there, as with the role edit.", lost, current)
	replacedTotal.Inc()
	klog.InfoS(message, "reason", ReasonStoreReplaced)
	// The event is a courtesy: log and metric have said it.
	if err := g.host.reportReplaced(ctx, message); err != nil {
		klog.ErrorS(err, "Could not write an event", "reason", ReasonStoreReplaced)
	}
}

// Run watches the objects and records the store's revision after changes, at
// most once in RecordInterval, until ctx is done. A store at rest causes no request.
func (g *Guard) Run(ctx context.Context) {
	wait.UntilWithContext(ctx, func(ctx context.Context) {
		if err := g.follow(ctx); err != nil && ctx.Err() == nil {
			klog.ErrorS(err, "Recording the revision of the store; trying again", "after", g.record)
		}
	}, g.record)
}

func (g *Guard) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	changes := g.store.client.Watch(ctx, g.store.objects, clientv3.WithPrefix(), clientv3.WithKeysOnly())
	ticker := time.NewTicker(g.record)
	defer ticker.Stop()
	for {
		select {
		case change, ok := <-changes:
			if !ok {
				return fmt.Errorf("the watch of the store ended")
			}
			if err := change.Err(); err != nil {
				return err
			}
			g.seen = change.Header.Revision
		case <-ticker.C:
			if g.seen == g.recorded {
				continue
			}
			seen := g.seen
			current, err := g.store.advance(ctx, seen)
			if err != nil {
				return err
			}
			if err := g.host.write(ctx, current, false); err != nil {
				return err
			}
			g.recorded = seen
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
