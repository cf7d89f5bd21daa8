// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dittoserver"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/orphans"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/quota"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/servermetrics"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/sweeper"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/watches"
)

// eventSource is who the events say they come from.
const eventSource = "dittofs-apiserver"

// term is what the loops of one term are made of.
type term struct {
	cfg    Config
	held   *tenure
	mgr    manager.Manager
	host   cluster.Cluster
	busy   *inFlight
	counts *servermetrics.Table
}

func (t term) on(name string) bool { return enabled(name, t.cfg.Enabled) }

// addLoops adds the loops that are switched on.
func (t term) addLoops(ctx context.Context) error {
	if err := watches.IndexClasses(ctx, t.mgr.GetFieldIndexer()); err != nil {
		return fmt.Errorf("index DittoServers by their classes: %w", err)
	}
	if err := watches.IndexSecrets(ctx, t.mgr.GetFieldIndexer()); err != nil {
		return fmt.Errorf("index DittoServers by Secret: %w", err)
	}
	if err := watches.IndexServers(ctx, t.host.GetFieldIndexer(), dittoserver.PrunedKinds()...); err != nil {
		return fmt.Errorf("index objects by DittoServer: %w", err)
	}
	var errs []error
	if t.on(loopServers) {
		errs = append(errs, t.addServers())
	}
	if t.on(loopQuota) {
		errs = append(errs, t.addQuota())
	}
	if t.on(loopSweeper) {
		errs = append(errs, t.addSweeper())
	}
	if t.on(loopOrphans) {
		errs = append(errs, t.addOrphans())
	}
	return errors.Join(errs...)
}

// addServers adds the loop of the servers, and the probe that reports to it in memory: alone that would work for nobody.
func (t term) addServers() error {
	observed := make(chan event.GenericEvent)
	monitors := dittoserver.Monitors(t.mgr, t.host)
	servers := &dittoserver.Reconciler{
		Servers:         t.mgr.GetClient(),
		Stored:          t.mgr.GetAPIReader(),
		Host:            t.host.GetClient(),
		Live:            t.host.GetAPIReader(),
		Indexed:         true,
		Applier:         &apply.Applier{Cached: t.host.GetClient(), Live: t.host.GetAPIReader(), Writer: t.host.GetClient()},
		Events:          t.host.GetEventRecorder(eventSource),
		Clock:           clock.RealClock{},
		ObserveOnly:     t.cfg.ObserveOnly,
		ControllerPeers: t.cfg.Peers,
		ServiceMonitors: monitors,
	}
	t.counts.Ends = servers.CertificateEnds
	if t.on(loopProbe) {
		store := dfsprobe.NewStore()
		servers.Observations = store
		if err := t.addProbe(store, observed, servers.WritesAllowed); err != nil {
			return err
		}
	}
	return dittoserver.Setup(t.mgr, t.host, t.busy.around(t.counts.Around(servers)), observed, monitors, dittoserver.PerconaClusters(t.mgr, t.host))
}

// addProbe adds the rounds over the dfs APIs, and the rare ones over what is slow to answer.
func (t term) addProbe(store *dfsprobe.Store, observed chan<- event.GenericEvent, allowed func(types.NamespacedName) (bool, string)) error {
	prober := func(timeout time.Duration) *dfsprobe.Prober {
		return &dfsprobe.Prober{
			Servers:     t.mgr.GetClient(),
			Host:        t.host.GetClient(),
			Live:        t.host.GetAPIReader(),
			Dial:        dfsprobe.DialPod(timeout),
			URLTemplate: t.cfg.DFSURLTemplate,
			Interval:    t.cfg.ProbeInterval,
			Clock:       clock.RealClock{},
			Store:       store,
			Changed:     notify(observed),
			Called:      t.counts.Called,

			WritesAllowed: func(server types.NamespacedName) (bool, string) {
				if !t.held.holds() {
					return false, errNoTenure.Error()
				}
				return allowed(server)
			},
			ObserveOnly: t.cfg.ObserveOnly,
		}
	}
	if err := dfsprobe.Setup(t.mgr, t.host, t.busy.around(prober(dfsprobe.CallTimeout))); err != nil {
		return err
	}
	return dfsprobe.SetupSurvey(t.mgr, t.host, t.busy.around(&dfsprobe.Surveyor{Prober: prober(dfsprobe.SurveyTimeout)}))
}

func (t term) addQuota() error {
	return quota.Setup(t.mgr, t.host, t.busy.around(&quota.Recounter{
		Servers:     t.mgr.GetClient(),
		LiveServers: t.mgr.GetAPIReader(),
		Host:        t.host.GetClient(),
		Clock:       clock.RealClock{},
		ObserveOnly: t.cfg.ObserveOnly,
	}))
}

func (t term) addSweeper() error {
	own, err := client.New(t.cfg.Sweeper, client.Options{Scheme: t.mgr.GetScheme()})
	if err != nil {
		return fmt.Errorf("client of the sweeper: %w", err)
	}
	grace := t.cfg.SweepGrace
	if grace == 0 {
		grace = sweeper.DefaultGrace
	}
	return sweeper.Setup(t.mgr, t.host, t.busy.around(&sweeper.Sweeper{
		Cached:      t.mgr.GetClient(),
		Host:        t.host.GetClient(),
		Live:        t.host.GetAPIReader(),
		Servers:     own,
		Grace:       grace,
		Clock:       clock.RealClock{},
		ObserveOnly: t.cfg.ObserveOnly,
	}))
}

func (t term) addOrphans() error {
	return orphans.Setup(t.mgr, t.host, t.busy.around(&orphans.Finder{
		Servers:     t.mgr.GetClient(),
		LiveServers: t.mgr.GetAPIReader(),
		Host:        t.host.GetClient(),
		Events:      t.host.GetEventRecorder(eventSource),
		ObserveOnly: t.cfg.ObserveOnly,
	}))
}

// notify passes the name of a DittoServer on, unless the term ends first.
func notify(to chan<- event.GenericEvent) func(context.Context, types.NamespacedName) {
	return func(ctx context.Context, name types.NamespacedName) {
		server := &dittofsv1alpha1.DittoServer{}
		server.Namespace, server.Name = name.Namespace, name.Name
		select {
		case to <- event.GenericEvent{Object: server}:
		case <-ctx.Done():
		}
	}
}
