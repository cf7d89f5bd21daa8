// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dittoserver"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/sweeper"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/watches"
)

// eventSource is who the events say they come from.
const eventSource = "dittofs-apiserver"

// newScheme knows the kinds of the host cluster and ours, each in one version only: the scheme of the API server has ours
// twice, and then nobody can tell the version of an object.
func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("kinds of Kubernetes: %w", err)
	}
	if err := dittofsv1alpha1.Install(scheme); err != nil {
		return nil, fmt.Errorf("kinds of %s: %w", dittofsv1alpha1.SchemeGroupVersion.Group, err)
	}
	return scheme, nil
}

// runTerm runs the loops under a new manager until the context ends or something breaks. No reconcile is in flight any
// more when it comes back.
func runTerm(ctx context.Context, cfg Config) error {
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	logger := klog.FromContext(ctx)
	mgr, err := manager.New(cfg.Loopback, manager.Options{
		Scheme:                  scheme,
		Logger:                  logger,
		Cache:                   watches.ServerCache(),
		Metrics:                 metricsserver.Options{BindAddress: "0"},
		HealthProbeBindAddress:  "0",
		GracefulShutdownTimeout: ptr.To(cfg.graceful()),
		Controller: ctrlconfig.Controller{
			// A later term has controllers of the same names.
			SkipNameValidation: ptr.To(true),
			RecoverPanic:       ptr.To(true),
		},
	})
	if err != nil {
		return fmt.Errorf("new manager: %w", err)
	}
	host, err := cluster.New(cfg.Host, func(o *cluster.Options) {
		o.Scheme = scheme
		o.Logger = logger
		o.Cache = watches.HostCache()
	})
	if err != nil {
		return fmt.Errorf("connect to the host cluster: %w", err)
	}
	if err := mgr.Add(host); err != nil {
		return fmt.Errorf("add the host cluster to the manager: %w", err)
	}
	var busy inFlight
	// Whatever happens, the next term must find nobody at work.
	defer busy.wait(logger)
	if err := addLoops(ctx, cfg, mgr, host, &busy); err != nil {
		return err
	}
	logger.Info("Controllers start")
	return mgr.Start(ctx)
}

// addLoops adds the loops that are switched on.
func addLoops(ctx context.Context, cfg Config, mgr manager.Manager, host cluster.Cluster, busy *inFlight) error {
	if err := watches.IndexClasses(ctx, mgr.GetFieldIndexer()); err != nil {
		return fmt.Errorf("index DittoServers by their classes: %w", err)
	}
	if err := watches.IndexSecrets(ctx, mgr.GetFieldIndexer()); err != nil {
		return fmt.Errorf("index DittoServers by Secret: %w", err)
	}
	observed := make(chan event.GenericEvent)
	monitors := dittoserver.Monitors(mgr, host)
	servers := &dittoserver.Reconciler{
		Servers:         mgr.GetClient(),
		Host:            host.GetClient(),
		Live:            host.GetAPIReader(),
		Applier:         &apply.Applier{Cached: host.GetClient(), Live: host.GetAPIReader(), Writer: host.GetClient()},
		Events:          host.GetEventRecorder(eventSource),
		Clock:           clock.RealClock{},
		ObserveOnly:     cfg.ObserveOnly,
		ControllerPeers: cfg.Peers,
		ServiceMonitors: monitors,
	}
	on := func(name string) bool { return enabled(name, cfg.Enabled) }
	// The probe reports to the loop of the servers, in memory: alone it would work for nobody.
	if on(loopServers) && on(loopProbe) {
		store := dfsprobe.NewStore()
		servers.Observations = store
		prober := &dfsprobe.Prober{
			Servers:     mgr.GetClient(),
			Host:        host.GetClient(),
			Live:        host.GetAPIReader(),
			Dial:        dfsprobe.DialPod(dfsprobe.CallTimeout),
			URLTemplate: cfg.DFSURLTemplate,
			Interval:    cfg.ProbeInterval,
			Clock:       clock.RealClock{},
			Store:       store,
			Changed:     notify(observed),

			WritesAllowed: servers.WritesAllowed,
			ObserveOnly:   cfg.ObserveOnly,
		}
		if err := dfsprobe.Setup(mgr, host, busy.around(prober)); err != nil {
			return err
		}
	}
	if on(loopServers) {
		if err := dittoserver.Setup(mgr, host, busy.around(servers), observed, monitors, dittoserver.PerconaClusters(mgr, host)); err != nil {
			return err
		}
	}
	if on(loopSweeper) {
		own, err := client.New(cfg.Sweeper, client.Options{Scheme: mgr.GetScheme()})
		if err != nil {
			return fmt.Errorf("client of the sweeper: %w", err)
		}
		grace := cfg.SweepGrace
		if grace == 0 {
			grace = sweeper.DefaultGrace
		}
		return sweeper.Setup(mgr, host, busy.around(&sweeper.Sweeper{
			Cached:      mgr.GetClient(),
			Host:        host.GetClient(),
			Live:        host.GetAPIReader(),
			Servers:     own,
			Grace:       grace,
			Clock:       clock.RealClock{},
			ObserveOnly: cfg.ObserveOnly,
		}))
	}
	return nil
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

// inFlight counts reconciles.
type inFlight struct {
	mu     sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

// around counts the calls of a reconciler, and lets none begin once the term is over.
func (f *inFlight) around(r reconcile.Reconciler) reconcile.Reconciler {
	return reconcile.Func(func(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
		if ctx.Err() != nil || !f.begin() {
			return reconcile.Result{}, nil
		}
		defer f.wg.Done()
		return r.Reconcile(ctx, req)
	})
}

func (f *inFlight) begin() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.wg.Add(1)
	return true
}

// wait comes back when no call is left. Their contexts have ended: this takes as long as the slowest request in flight.
func (f *inFlight) wait(logger klog.Logger) {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	began := time.Now()
	f.wg.Wait()
	if took := time.Since(began); took > time.Second {
		logger.Info("Reconciles in flight ended late", "took", took)
	}
}
