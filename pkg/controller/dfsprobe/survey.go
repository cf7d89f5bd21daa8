// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

const (
	// SurveyTimeout bounds one call of a survey: a dead remote store takes dfs half a minute.
	SurveyTimeout = 45 * time.Second
	// surveyInterval is the time between two surveys of one process.
	surveyInterval = 10 * time.Minute
	// surveyRetry is how soon a process is looked at again that the probe has not been let in by yet.
	surveyRetry = time.Minute
)

// LocalShare is a share whose blocks have no other place than the content volume.
type LocalShare struct {
	Name string
	// Size is what it may take of the volume, 0 if dfs chose that by the memory that it has.
	Size int64
}

// Surveyor looks at the shares of servers that have a content volume: when a process has started, and seldom after that.
type Surveyor struct {
	// Prober lends its readers and its way to connect. It is none that probes: each has connections of its own.
	Prober *Prober
}

// Reconcile surveys a server if its time has come, and says when to come back.
func (s *Surveyor) Reconcile(ctx context.Context, req reconcile.Request) (reconcile.Result, error) {
	p, key := s.Prober, req.NamespacedName
	server := &dittofsv1alpha1.DittoServer{}
	if err := p.Servers.Get(ctx, key, server); apierrors.IsNotFound(err) {
		p.drop(key)
		p.Store.forgetSurvey(key)
		return reconcile.Result{}, nil
	} else if err != nil {
		return reconcile.Result{}, fmt.Errorf("read DittoServer: %w", err)
	}
	askable, err := p.askable(ctx, server)
	if err != nil {
		return reconcile.Result{}, err
	}
	st := p.state(key)
	t, found, err := p.target(ctx, server, st.target)
	if err != nil {
		return reconcile.Result{}, err
	}
	storage := server.Spec.Storage
	if !askable || !found || !t.Ready || t.LacksContent || storage.Ephemeral || storage.ContentSize == nil {
		p.pause(key)
		if p.Store.forgetSurvey(key) {
			p.Changed(ctx, key)
		}
		return reconcile.Result{}, nil
	}
	now := p.Clock.Now()
	if due := st.asked.Add(surveyInterval); st.run.process == t.process() && now.Before(due) {
		return reconcile.Result{RequeueAfter: due.Sub(now)}, nil
	}
	if seen, _ := p.Store.Get(key); seen.Pod != t.Pod || seen.Token != TokenAccepted || !seen.FailingSince.IsZero() {
		return reconcile.Result{RequeueAfter: surveyRetry}, nil // nobody answers, or not us
	}
	st.run.process, st.asked = t.process(), now
	shares, err := newVisit(p, server, t, st, Observation{}).localShares(ctx)
	p.pause(key) // until the next one the connection is of no use
	if err != nil {
		// What was seen before stays. That dfs does not answer is said by who asks for its health.
		log.FromContext(ctx).V(1).Info("The shares cannot be listed", "error", err)
	} else if p.Store.PutSurvey(key, t.Pod, shares...) {
		p.Changed(ctx, key)
	}
	return reconcile.Result{RequeueAfter: surveyInterval}, nil
}

// localShares lists the shares that have no remote store and lie on the content volume. It is never nil without an error.
func (v *visit) localShares(ctx context.Context) ([]LocalShare, error) {
	if err := v.p.connect(ctx, v.key, v.st, v.t); err != nil {
		return nil, err
	}
	if err := v.st.secrets.refresh(ctx, secretReader{v.p.Live}, v.key.Namespace, v.t); err != nil {
		return nil, err
	}
	if _, err := v.authenticated(ctx); err != nil {
		return nil, err
	}
	stores, err := v.st.api.LocalStores(ctx)
	if err != nil {
		return nil, err
	}
	onVolume := map[string]bool{}
	for _, store := range stores {
		onVolume[store.ID] = store.Path != "" && onContentVolume(store.Path)
	}
	shares, err := v.st.api.Shares(ctx)
	if err != nil {
		return nil, err
	}
	out := []LocalShare{}
	for _, share := range shares {
		if !share.HasRemote && onVolume[share.LocalStore] {
			out = append(out, LocalShare{Name: share.Name, Size: share.LocalStoreSize})
		}
	}
	slices.SortFunc(out, func(a, b LocalShare) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}
