// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/dfstarget"
)

const (
	// tokenTTL is the life of a token: one call, or a few of the same burst.
	tokenTTL = time.Minute
	// maxSkew is how far a server's clock may be ahead before a refused token is blamed on it.
	maxSkew = tokenTTL / 2
)

// visit is one round with one server.
type visit struct {
	p      *Prober
	server *dittofsv1alpha1.DittoServer
	key    types.NamespacedName
	t      Target
	st     *state
	now    time.Time
	// o is what was known of the pod, and is added to.
	o Observation
}

func newVisit(p *Prober, server *dittofsv1alpha1.DittoServer, t Target, st *state, before Observation) *visit {
	v := &visit{p: p, server: server, key: client.ObjectKeyFromObject(server), t: t, st: st, now: p.Clock.Now(),
		o: Observation{Pod: t.Pod}}
	if before.Pod == t.Pod {
		v.o = before
	}
	v.o.Failure = ""
	return v
}

// round asks one server once. True says that the next round should wait longer.
func (v *visit) round(ctx context.Context) (failed bool) {
	if err := v.p.connect(ctx, v.key, v.st, v.t); err != nil {
		v.o.Client = v.st.client
		return v.fail(err.Error())
	}
	v.o.Client = v.st.client
	health, err := v.st.api.Health(ctx)
	if err != nil {
		return v.fail(v.describe(err))
	}
	v.o.Reached, v.o.DatabaseReachable, v.o.Database = true, health.DatabaseReachable(), health.ControlPlaneDB
	v.began(health.StartedAt)
	if !v.t.Ready {
		v.o.FailingSince = time.Time{}
		return false
	}
	if err := v.st.secrets.refresh(ctx, secretReader{v.p.Live}, v.key.Namespace, v.t); err != nil {
		// Not a failure of the server: its health is known. The Secret is reported by who renders the pod.
		v.o.Token, v.o.TokenDetail, v.o.AdaptersKnown = TokenUnsigned, err.Error(), false
		v.o.FailingSince, v.o.LastSuccess = time.Time{}, v.now
		v.unreached(err.Error())
		return true
	}
	listed, err := v.authenticated(ctx)
	if dfs.IsUnauthorized(err) {
		v.o.Token, v.o.TokenDetail, v.o.AdaptersKnown = refusal(err, v.t, v.now), "", false
		v.o.FailingSince = time.Time{}
		v.unreached("dfs refuses the controller's token")
		return true
	}
	if err == nil {
		err = v.observeAdapters(ctx, listed)
	}
	if err == nil {
		err = v.observeContent(ctx)
	}
	if err != nil {
		return v.fail(v.describe(err))
	}
	v.o.Token, v.o.TokenDetail = TokenAccepted, ""
	v.o.FailingSince, v.o.LastSuccess = time.Time{}, v.now
	v.sync(ctx)
	return false
}

func (v *visit) fail(how string) bool {
	v.o.Failure = how
	// Of a pod that is not ready nothing else can be expected.
	if v.t.Ready && v.o.FailingSince.IsZero() {
		v.o.FailingSince = v.now
	}
	v.unreached(how)
	return true
}

func (v *visit) describe(err error) string { return dfstarget.Describe(err, v.t.TLS) }

// authenticated lists the adapters with the first JWT secret that the server accepts.
func (v *visit) authenticated(ctx context.Context) ([]dfs.Adapter, error) {
	username := "dittofs-controller:" + string(v.server.UID)
	var err error
	for _, secret := range v.st.secrets.candidates() {
		v.st.sign = func(context.Context) (string, error) {
			return dfs.SignToken(secret, dfs.Claims{Username: username, Role: dfs.RoleAdmin, TTL: tokenTTL, Now: v.p.Clock.Now()})
		}
		var adapters []dfs.Adapter
		if adapters, err = v.st.api.Adapters(ctx); err == nil {
			v.st.secrets.accepted(secret)
			return adapters, nil
		}
		if !dfs.IsUnauthorized(err) {
			break
		}
	}
	return nil, err
}

// refusal says why a token was refused. A server whose clock is behind takes a token for longer, one that is ahead not at
// all: it grants no leeway.
func refusal(err error, t Target, now time.Time) Token {
	var status *dfs.StatusError
	if errors.As(err, &status) && status.ServerTime.Sub(now) > maxSkew {
		return TokenClockSkew
	}
	if t.Stale {
		return TokenRestartPending
	}
	return TokenRefused
}
