// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

// held says why nothing may be written to a server, empty if it may. An empty database answers 200 to everything: without
// these fences the first round with a lost volume would begin to furnish it.
func (p *Prober) held(server *dittofsv1alpha1.DittoServer, r run) string {
	if server.Spec.Paused {
		return "spec.paused is true"
	}
	if p.ObserveOnly != nil {
		if observe, why := p.ObserveOnly(); observe {
			return "the store is only observed: " + why
		}
	}
	if known := server.Status.MachineSID; known != "" && r.sid != "" && known != r.sid {
		return fmt.Sprintf("the server has another database (machine SID %s) than it had (%s): acknowledge it with the annotation %s",
			r.sid, known, dittofsv1alpha1.AnnotationAcceptEmptyDatabase)
	}
	if p.WritesAllowed != nil {
		if allowed, why := p.WritesAllowed(client.ObjectKeyFromObject(server)); !allowed {
			return why
		}
	}
	return ""
}

// wanted is a fingerprint of all that a round could have to write, and of whether it may. Another one calls for a round.
func (p *Prober) wanted(ctx context.Context, server *dittofsv1alpha1.DittoServer, r run) (string, error) {
	versions := map[string]string{}
	for _, pr := range providersOf(server) {
		if pr.secret == nil {
			continue
		}
		version, err := p.secretVersion(ctx, server.Namespace, pr.secret.Name)
		if err != nil {
			return "", err
		}
		versions[pr.name] = version
	}
	text, err := json.Marshal([]any{
		server.Spec.SnapshotPolicies, leavingShares(server), server.Spec.Identity.LDAP, server.Spec.Identity.Kerberos,
		versions, p.held(server, r),
	})
	if err != nil {
		return "", fmt.Errorf("fingerprint of the spec: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// sync makes the server what the spec says. What fails is in the observation, and tried again by its own clock: it says
// nothing about the health of the server.
func (v *visit) sync(ctx context.Context) {
	if !v.o.DatabaseReachable {
		v.unreached("dfs does not reach its database")
		return
	}
	if err := v.identify(ctx); err != nil {
		// Of a database without identity nobody can say whose it is.
		v.unreached("its machine SID cannot be read: " + v.describe(err))
		return
	}
	// Asked again, because the identity may be news of this very round.
	held := v.p.held(v.server, v.st.run)
	if err := v.syncPolicies(ctx, held); dfs.IsUnreachable(err) {
		v.unreachedProviders(v.describe(err))
		return
	}
	v.syncProviders(ctx, held)
}

// unreached says of what is wanted and was not brought about before that it could not be now.
func (v *visit) unreached(how string) {
	v.unreachedPolicies(how)
	v.unreachedProviders(how)
}
