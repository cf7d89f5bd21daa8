// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dittoserver

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/watches"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

// States of a PerconaPGCluster. There is none for a failure: that looks like initializing for ever.
const (
	perconaReady        = "ready"
	perconaInitializing = "initializing"
	perconaPaused       = "paused"
	perconaStopping     = "stopping"
)

// defaultReadyTimeout is that of the API, for a spec that has not been through it.
const defaultReadyTimeout = 10 * time.Minute

// judgePercona decides whether the server may be started on a cluster that is there, and says what is waited for.
func (p *pass) judgePercona(ctx context.Context, live *unstructured.Unstructured) error {
	p.percona.state, p.percona.ready = perconaStateOf(live)
	if !p.percona.made {
		p.percona.noSchema = noSchema(p.server, live)
	}
	if !p.percona.first {
		p.lastingUnready()
		return nil
	}
	if !p.percona.ready {
		p.waitForPercona(live, stateWords(p.percona.state))
		return nil
	}
	missing, err := p.missingPerconaSecret(ctx)
	switch {
	case err != nil:
		return err
	case missing == "":
		p.percona.waits, p.percona.unknown = false, false
	case p.percona.made:
		p.waitForPercona(live, fmt.Sprintf("ready, and the Percona operator has not made Secret %s yet", missing))
	case missing == render.PerconaUserSecretName(p.server):
		p.perconaProblem(existingRetry, reasonPerconaUserNotFound,
			"%s %s is ready, and has no Secret %s: add the user %q with the database %q to its spec.users, or change spec.percona.userName.",
			perconaKind, p.percona.cluster, missing, p.server.Spec.Percona.UserName, p.server.Spec.Percona.DatabaseName)
	default:
		p.perconaProblem(existingRetry, reasonPerconaCANotFound,
			"%s %s is ready, and has no Secret %s with the CA of PostgreSQL: name the key that holds it in spec.percona.caSecretRef.",
			perconaKind, p.percona.cluster, missing)
	}
	return nil
}

// perconaStateOf reads the status. A status of another generation speaks of another spec; operators before 2.8 do not say
// which one they mean.
func perconaStateOf(live *unstructured.Unstructured) (state string, ready bool) {
	state, _, _ = unstructured.NestedString(live.Object, "status", "state")
	observed, known, _ := unstructured.NestedInt64(live.Object, "status", "observedGeneration")
	return state, state == perconaReady && (!known || observed >= live.GetGeneration())
}

// stateWords says of a state what it means and what can be done about it.
func stateWords(state string) string {
	switch state {
	case "":
		return "not looked at by the Percona operator yet; it has to run, and to watch this namespace"
	case perconaReady:
		return "ready as it was, and a change has not arrived yet"
	case perconaPaused, perconaStopping:
		return state + ", as its spec.pause asks"
	case perconaInitializing:
		return state + "; the events of the PostgresCluster of that name, and its pods, say more"
	default:
		return state
	}
}

// missingPerconaSecret names the first of the Secrets that the Percona operator makes that is not there, empty if none is
// missing. A CA that the user brings is the user's to make, and is missed like any other Secret.
func (p *pass) missingPerconaSecret(ctx context.Context) (string, error) {
	names := []string{render.PerconaUserSecretName(p.server)}
	if p.server.Spec.Percona.CASecretRef == nil {
		names = append(names, render.PerconaCASecret(p.server).Name)
	}
	for _, name := range names {
		key, found := types.NamespacedName{Namespace: p.key.Namespace, Name: name}, watches.NewSecretMetadata()
		err := p.Host.Get(ctx, key, found)
		if apierrors.IsNotFound(err) {
			// The cache of the Secrets and the API that has the cluster need not agree yet.
			err = p.Live.Get(ctx, key, watches.NewSecretMetadata())
		}
		switch {
		case apierrors.IsNotFound(err):
			return name, nil
		case err != nil:
			return "", fmt.Errorf("look up Secret %s: %w", name, err)
		}
	}
	return "", nil
}

// waitForPercona says for what the first start waits. It goes on waiting after the time that the spec gives.
func (p *pass) waitForPercona(live *unstructured.Unstructured, what string) {
	retry := time.Duration(0)
	if !p.percona.made {
		retry = existingRetry
	}
	timeout := readyTimeout(p.server)
	if left := timeout - p.now.Sub(p.waitingSince(live)); left > 0 {
		p.recheck(left)
		p.perconaProblem(retry, reasonPerconaClusterNotReady, "Waiting for %s %s: it is %s.", perconaKind, p.percona.cluster, what)
		return
	}
	p.perconaProblem(retry, reasonPerconaClusterTimeout, "%s %s has not become ready within %s (spec.percona.readyTimeout): it is %s. The wait goes on.",
		perconaKind, p.percona.cluster, timeout, what)
}

// waitingSince is what the status remembers: it is no more ready than it was when DatabaseReady became False. A cluster that
// was made after that has the time that it takes.
func (p *pass) waitingSince(live *unstructured.Unstructured) time.Time {
	since := p.now
	if c := meta.FindStatusCondition(p.stored.Status.Conditions, dittofsv1alpha1.ConditionDatabaseReady); c != nil && c.Status == metav1.ConditionFalse {
		since = c.LastTransitionTime.Time
	}
	if created := live.GetCreationTimestamp().Time; p.percona.made && created.After(since) {
		return created
	}
	return since
}

// lastingUnready speaks up about a cluster of ours that stays other than what the spec asks for while the server works. The
// time is counted in memory: after a restart of ours it begins anew.
func (p *pass) lastingUnready() {
	if p.percona.ready || !p.percona.made {
		p.unready.forget(p.key)
		return
	}
	since, known := p.unready.get(p.key)
	if !known {
		since = p.now
		p.unready.put(p.key, since)
	}
	timeout := readyTimeout(p.server)
	if left := timeout - p.now.Sub(since); left > 0 {
		p.recheck(left)
		return
	}
	p.perconaProblem(0, reasonPerconaClusterTimeout, "%s %s has not been ready for %s (spec.percona.readyTimeout): it is %s. The pod is left alone.",
		perconaKind, p.percona.cluster, timeout, stateWords(p.percona.state))
}

func readyTimeout(server *dittofsv1alpha1.DittoServer) time.Duration {
	if d, err := time.ParseDuration(server.Spec.Percona.ReadyTimeout); err == nil && d > 0 {
		return d
	}
	return defaultReadyTimeout
}

// unreadyMemory holds since when clusters of servers that run have not been ready.
type unreadyMemory struct{ table[time.Time] }
