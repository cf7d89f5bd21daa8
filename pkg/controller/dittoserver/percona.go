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
	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/controller/apply"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

const (
	perconaKind = "PerconaPGCluster"
	// existingRetry is how often a cluster is looked at that is waited for and not ours, or for the kind: only clusters of
	// ours are watched, and a kind that comes is served a moment after its event.
	existingRetry = 10 * time.Second
)

// perconaState is what a pass knows of the PerconaPGCluster that holds the database. It is empty without one.
type perconaState struct {
	cluster string
	made    bool // by us, and not one that was there
	// first says that the server has never been started on this database: it waits until the database is ready. A server
	// that has been goes on whatever becomes of the cluster: a cluster counts as not ready while it still serves.
	first bool
	// waits says that the start is held until the cluster is ready, and unknown that its Secrets need not be there yet.
	waits   bool
	unknown bool
	ready   bool
	state   string // status.state
	// noSchema says why dfs may be unable to make its tables, empty if nothing speaks for that.
	noSchema string
}

// perconaCluster makes the cluster what the spec asks for, or looks at the one that the spec refers to, and notes what is
// wrong with it.
func (p *pass) perconaCluster(ctx context.Context) error {
	spec := p.server.Spec.Percona
	if spec == nil || !spec.Enabled {
		return nil
	}
	p.percona = perconaState{
		cluster: render.PerconaClusterName(p.server), made: spec.ExistingClusterRef == nil, first: p.firstOnDatabase(),
	}
	if p.otherDatabaseRefused() {
		// No cluster is made for a move that nobody has agreed to; whoever guards the database says so.
		p.percona.unknown = true
		return nil
	}
	// Until the end of this function is reached, nothing says that the cluster is ready.
	p.percona.waits, p.percona.unknown = p.percona.first, p.percona.first
	live, err := p.findPercona(ctx)
	if err == nil && p.percona.made {
		live, err = p.ensurePercona(ctx, live)
	}
	switch {
	case notServed(err):
		p.perconaProblem(existingRetry, reasonPerconaNotInstalled,
			"The cluster does not serve the kind %s (%s): install the Percona operator for PostgreSQL, which runs the database.",
			perconaKind, render.PerconaClusterKind.GroupVersion())
		return nil
	case err != nil:
		return p.refused(perconaKind, p.percona.cluster, err)
	case live == nil && !p.percona.made:
		p.perconaProblem(existingRetry, reasonPerconaClusterNotFound,
			"%s %s, which spec.percona.existingClusterRef names, does not exist. Create it.", perconaKind, p.percona.cluster)
		return nil
	case live == nil:
		return nil
	}
	return p.judgePercona(ctx, live)
}

// firstOnDatabase asks the record, and not whether the pod runs: a StatefulSet that somebody deletes comes back at once.
func (p *pass) firstOnDatabase() bool {
	if recorded := p.stored.Status.Database; recorded != nil && recorded.Identity != "" {
		return !databaseOf(p.server).is(recorded)
	}
	return p.set == nil
}

func (p *pass) otherDatabaseRefused() bool {
	recorded := p.stored.Status.Database
	return recorded != nil && recorded.Identity != "" && p.percona.first && !accepted(p.server)
}

// findPercona asks the API: what it has decides what is sent, and a cache that lags would undo an upgrade that the Percona
// operator writes into the same object. It is nil if there is none.
func (p *pass) findPercona(ctx context.Context) (*unstructured.Unstructured, error) {
	live := &unstructured.Unstructured{}
	live.SetGroupVersionKind(render.PerconaClusterKind)
	err := p.Live.Get(ctx, types.NamespacedName{Namespace: p.key.Namespace, Name: p.percona.cluster}, live)
	switch {
	case notServed(err):
		return nil, err
	case apierrors.IsNotFound(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("look up %s %s: %w", perconaKind, p.percona.cluster, err)
	}
	return live, nil
}

// notServed says that the cluster does not know the kind. For a kind that went a moment ago the answer is a 404 that no
// registry has written; to whom it was said, and of which object, the client adds by itself.
func notServed(err error) bool {
	return meta.IsNoMatchError(err) || apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// ensurePercona makes the cluster, or changes what of it is ours. It is nil after a noted problem, and while only a plan is
// made.
func (p *pass) ensurePercona(ctx context.Context, live *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	// An interface that holds no object is not nil.
	var from client.Object
	if live != nil {
		from = live
		switch {
		case !apply.Ours(live, p.server.Name, p.server.UID):
			p.perconaProblem(conflictRetry, reasonNameConflict,
				"%s %s exists and does not belong to this DittoServer: it is %s. It is left alone. To use it, name it in spec.percona.existingClusterRef; "+
					"else rename or delete it, or create this DittoServer under another name.",
				perconaKind, live.GetName(), apply.DescribeOwner(live))
			return nil, nil
		case live.GetDeletionTimestamp() != nil:
			p.perconaProblem(0, reasonPerconaClusterDeleting,
				"%s %s is being deleted. It is made anew when it is gone; the Percona operator has to finish that.", perconaKind, live.GetName())
			return nil, nil
		}
	}
	want, err := render.Percona(p.server, live)
	if err != nil {
		p.perconaProblem(0, reasonInvalidSpec, "The spec cannot be rendered: %s.", err)
		return live, nil
	}
	res, err := p.Applier.EnsureFrom(ctx, p.request(apply.UnstructuredKeyed(render.PerconaClusterKind), want.GetName(), want), from)
	if err != nil {
		return nil, err
	}
	p.note(res)
	applied, _ := res.Live.(*unstructured.Unstructured)
	return applied, nil
}

// perconaProblem notes what is wrong with the cluster, and what that holds up.
func (p *pass) perconaProblem(retry time.Duration, reason, format string, args ...any) {
	consequence := ""
	switch {
	case p.percona.waits && p.set == nil:
		consequence = " The server is not started before that."
	case p.percona.waits:
		consequence = " Until then the pod stays on the database that it has."
	}
	p.add(retry, dittofsv1alpha1.ConditionDatabaseReady, reason, "%s%s", fmt.Sprintf(format, args...), consequence)
}
