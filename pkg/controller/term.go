// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/cluster"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/servermetrics"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/watches"
)

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
// more when it comes back, and nothing is written that held does not cover.
func runTerm(ctx context.Context, cfg Config, held *tenure) error {
	cfg.Host, cfg.Loopback, cfg.Sweeper = held.bind(cfg.Host), held.bind(cfg.Loopback), held.bind(cfg.Sweeper)
	scheme, err := newScheme()
	if err != nil {
		return err
	}
	logger := klog.FromContext(ctx)
	mgr, err := manager.New(cfg.Loopback, manager.Options{
		Scheme:                  scheme,
		Logger:                  logger,
		Cache:                   watches.ServerCache(),
		NewCache:                newTermCache(ctx),
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
		o.NewCache = newTermCache(ctx)
	})
	if err != nil {
		return fmt.Errorf("connect to the host cluster: %w", err)
	}
	if err := mgr.Add(host); err != nil {
		return fmt.Errorf("add the host cluster to the manager: %w", err)
	}
	counts := servermetrics.NewTable(mgr.GetClient(), clock.RealClock{})
	var busy inFlight
	// Whatever happens, the next term must find nobody at work.
	defer busy.wait(logger)
	if err := (term{cfg, held, mgr, host, &busy, counts}).addLoops(ctx); err != nil {
		return err
	}
	defer counts.Expose()()
	logger.Info("Controllers start")
	return mgr.Start(ctx)
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
