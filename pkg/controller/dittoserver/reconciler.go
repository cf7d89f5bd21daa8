// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package dittoserver turns each DittoServer into objects of the host cluster, and what becomes of them into its status.
// In go DittoServers and what the caches hold; out come server-side applies, status writes and events.
// It never touches an object that is not its own, never reads a clock or a Secret in render, and never waits for dfs.
package dittoserver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/nscheck"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// observeRetry is how often a pass is repeated that was not allowed to write.
const observeRetry = 30 * time.Second

// Observations is where the dfs probe leaves what it saw.
type Observations interface {
	Get(server types.NamespacedName) (dfsprobe.Observation, bool)
}

// Recorder records events about DittoServers in the host cluster.
type Recorder interface {
	Eventf(regarding, related runtime.Object, eventtype, reason, action, note string, args ...any)
}

// Reconciler reconciles DittoServers. The fields that may be nil say so.
type Reconciler struct {
	// Servers reads DittoServers from a cache, and writes their status and finalizers.
	Servers client.Client
	// Stored reads DittoServers from our API. Nil: Servers.
	Stored client.Reader
	// Host reads our objects from a cache and writes objects of the host cluster; Live reads any object from its API.
	Host client.Client
	Live client.Reader
	// Indexed says that Host has the index of watches.OfServer, for PrunedKinds.
	Indexed bool
	Applier *apply.Applier
	Events  Recorder
	// Observations is nil where no dfs probe runs.
	Observations Observations
	Clock        clock.PassiveClock
	// ObserveOnly says, with the reason, that nothing may be written.
	ObserveOnly func() (bool, string)
	// Render renders the parts of a server. Nil: render.All.
	Render func(*dittofsv1alpha1.DittoServer, render.Inputs) (*render.Objects, error)
	// ControllerPeers are who we are to a NetworkPolicy, empty outside of a cluster.
	ControllerPeers []networkingv1.NetworkPolicyPeer
	// ServiceMonitors says whether the cluster has that kind. Nil: it has not.
	ServiceMonitors Served

	hashes  hashMemory
	grown   growthMemory
	plans   planMemory
	classes classMemory
	fences  fenceMemory
	unready unreadyMemory
	writes  ownWrites
	races   raceMemory
	trouble troubleMemory
	untold  untoldMemory
	ends    certificateMemory

	adoptions adoptionMemory
}

// Served says of a kind that comes with a CustomResourceDefinition whether the cluster has it now.
type Served interface{ Served() bool }

// pass is one reconcile of one DittoServer.
type pass struct {
	*Reconciler
	key    types.NamespacedName
	stored *dittofsv1alpha1.DittoServer // as the cache has it
	server *dittofsv1alpha1.DittoServer // defaulted copy
	dryRun bool
	now    time.Time

	namespace nscheck.State
	problems  []problem
	rewritten []string
	created   []string
	changed   []string
	plan      []string
	removed   []string
	// generated are the Secrets that this pass has made, as the API has them.
	generated map[string]*corev1.Secret
	// regenerated says that credentials of a server that exists had to be made anew.
	regenerated bool
	set         *appsv1.StatefulSet   // ours, or being adopted; nil if there is none
	pod         *corev1.Pod           // of set, nil if there is none
	dfs         *dfsprobe.Observation // what the probe has seen of pod, nil if nothing. One for the whole pass: what is reported is what was acted on
	foreign     *appsv1.StatefulSet   // the one of our name that is not ours, nil if there is none
	adopting    bool                  // set and what belongs to it are still as the DittoFS operator has left them
	found       []leftover            // what of the DittoFS operator is there, while it is being adopted
	held        bool                  // the pod template is kept as it is, because of a problem
	pending     string                // the same, because it waits for a request: what is pending and how to request it
	waiting     bool                  // the cache does not show our last apply yet, or somebody was faster than we
	lost        map[string]int        // how often in a row somebody was, by object
	waitsFor    string                // what a deletion waits for
	// startCertificates are those in the start Secrets; startRead says that this pass has looked.
	startCertificates []certificate
	startRead         bool
	after             time.Duration

	// made are the objects of this server, if the pass came to its end.
	made     []dittofsv1alpha1.ObjectReference
	complete bool
	refusals map[string]string // of claims that cannot grow, by the name of the claim
	percona  perconaState      // of the PerconaPGCluster, empty without one
	identity databaseIdentity  // what the spec and its Secrets lead to, empty if that is not known
	template string            // digest of the pod template as it is rendered, empty if that is not known
	// otherDatabase says that the user has accepted another database than the one on record.
	otherDatabase bool
	// contentLater says that the content volume comes, or came, to a StatefulSet that has no claim template for it.
	contentLater bool
}

// Reconcile brings one DittoServer and its parts together, and reports.
func (r *Reconciler) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	stored := &dittofsv1alpha1.DittoServer{}
	if err := r.Servers.Get(ctx, req.NamespacedName, stored); apierrors.IsNotFound(err) {
		r.forget(req.NamespacedName)
		return reconcile.Result{}, nil
	} else if err != nil {
		return reconcile.Result{}, fmt.Errorf("read DittoServer: %w", err)
	}
	if r.writes.behind(req.NamespacedName, stored.ResourceVersion) {
		return reconcile.Result{RequeueAfter: cacheLag}, nil
	}
	p := &pass{Reconciler: r, key: req.NamespacedName, stored: stored, server: stored.DeepCopy(), now: r.Clock.Now(), lost: map[string]int{}}
	dittofsv1alpha1.SetObjectDefaults_DittoServer(p.server)
	var why string
	if p.dryRun, why = r.ObserveOnly(); p.dryRun {
		p.recheck(observeRetry)
	}
	state, err := nscheck.Check(ctx, r.Host, r.Live, stored)
	if err != nil {
		return reconcile.Result{}, p.reportTrouble(ctx, err)
	}
	p.namespace = state

	done := false
	switch {
	case stored.DeletionTimestamp != nil:
		done, err = p.tearDown(ctx)
	case state != nscheck.Same:
		p.namespaceProblem(state)
	case stored.Spec.Paused:
		err = p.findStatefulSet(ctx)
	default:
		err = p.materialise(ctx)
	}
	r.races.put(p.key, p.lost)
	if p.dryRun {
		r.plans.log(log.FromContext(ctx), p.key, why, p.plan)
		return reconcile.Result{RequeueAfter: p.after}, err
	}
	if done {
		return reconcile.Result{}, nil
	}
	if apierrors.IsConflict(err) && !isPartial(err) {
		// The cache has an old DittoServer. Its event is on its way.
		return reconcile.Result{RequeueAfter: soon}, nil
	}
	if err != nil && !isPartial(err) {
		// What was not looked at must not be reported on.
		p.keepNews()
		return reconcile.Result{}, p.reportTrouble(ctx, err)
	}
	r.trouble.forget(p.key)
	if statusErr := p.report(ctx); statusErr != nil {
		err = errors.Join(err, statusErr)
	}
	if err != nil {
		return reconcile.Result{}, err
	}
	return reconcile.Result{RequeueAfter: p.after}, nil
}

// materialise makes the parts. Each step notes problems and goes on where that makes sense.
func (p *pass) materialise(ctx context.Context) error {
	if err := p.ensureFinalizer(ctx); err != nil {
		return err
	}
	if err := p.findStatefulSet(ctx); err != nil {
		return err
	}
	if stale, err := p.stale(ctx); stale || err != nil {
		p.waiting = true
		p.recheck(cacheLag)
		return err
	}
	if stop, err := p.adopt(ctx); stop || err != nil {
		return err
	}
	p.laterContent()
	blocked, err := p.credentials(ctx)
	if err != nil {
		return err
	}
	clusterErr := p.perconaCluster(ctx)
	start, err := p.startSecrets(ctx, blocked)
	if err != nil {
		return err
	}
	p.awaitPercona(&start)
	p.guardDatabase(&start)
	if p.adopting {
		if open, err := p.openWindow(ctx, start); !open || err != nil {
			p.complete = err == nil
			return errors.Join(clusterErr, err)
		}
	}
	// What goes wrong with one of them leaves the others to be done.
	err = errors.Join(clusterErr, p.objects(ctx, start), p.network(ctx), p.growClaims(ctx))
	if err != nil {
		return err
	}
	p.complete = true
	return errors.Join(p.replaceStuckPod(ctx), p.rolloutCarriedOut(ctx))
}

// forget drops what is remembered of a DittoServer that is gone.
func (r *Reconciler) forget(server types.NamespacedName) {
	r.Applier.Forget(server)
	r.hashes.forget(server)
	r.grown.forget(server)
	r.plans.forget(server)
	r.fences.forget(server)
	r.unready.forget(server)
	r.writes.forget(server)
	r.adoptions.forget(server)
	r.races.forget(server)
	r.trouble.forget(server)
	r.untold.forget(server)
	r.ends.forget(server)
}

// partialError is an error after which the status can still be told.
type partialError struct{ error }

func (e partialError) Unwrap() error { return e.error }

// isPartial says so of one error, and of several only if it is true of each.
func isPartial(err error) bool {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range several.Unwrap() {
			if !isPartial(one) {
				return false
			}
		}
		return true
	}
	var partial partialError
	return errors.As(err, &partial)
}

// table is a map of what is remembered per DittoServer.
type table[V any] struct {
	mu sync.Mutex
	m  map[types.NamespacedName]V
}

func (t *table[V]) get(server types.NamespacedName) (V, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	v, ok := t.m[server]
	return v, ok
}

func (t *table[V]) put(server types.NamespacedName, v V) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.m == nil {
		t.m = map[types.NamespacedName]V{}
	}
	t.m[server] = v
}

func (t *table[V]) forget(server types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.m, server)
}
