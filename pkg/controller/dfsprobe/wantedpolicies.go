// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"fmt"
	"slices"
	"time"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

// wantedPolicy is a policy of the spec in the words of dfs.
type wantedPolicy struct {
	share  string // as in the spec
	policy dfs.SnapshotPolicy
	// wrong says why it cannot be sent at all.
	wrong string
}

// wantedPolicies puts intervals and share names into the form that dfs gives back: "@daily" and "export" come back as
// "24h0m0s" and "/export", and would differ for ever.
func wantedPolicies(server *dittofsv1alpha1.DittoServer) []wantedPolicy {
	var out []wantedPolicy
	for _, spec := range server.Spec.SnapshotPolicies {
		w := wantedPolicy{share: spec.Share, policy: dfs.SnapshotPolicy{
			Share: dfs.ShareName(spec.Share), Enabled: spec.Enabled == nil || *spec.Enabled, NamePrefix: spec.NamePrefix,
		}}
		if spec.KeepLast != nil {
			w.policy.KeepLast = int(*spec.KeepLast)
		}
		var err error
		if w.policy.Interval, err = dfs.ParseInterval(spec.Interval); err != nil {
			w.wrong = fmt.Sprintf("The interval %q is no positive duration such as 24h, nor @hourly, @daily or @weekly.", spec.Interval)
		}
		if spec.TTL != "" {
			if w.policy.TTL, err = time.ParseDuration(spec.TTL); err != nil || w.policy.TTL < 0 {
				w.wrong = fmt.Sprintf("The ttl %q is no duration such as 720h.", spec.TTL)
			}
		}
		if i := slices.IndexFunc(out, func(o wantedPolicy) bool { return o.policy.Share == w.policy.Share }); i >= 0 {
			if slices.ContainsFunc(out, func(o wantedPolicy) bool { return o.share == w.share }) {
				continue // results are told apart by the name
			}
			// Two policies for one share would replace each other in every round.
			w.wrong = fmt.Sprintf("It is for the same share as %s, and a share has one policy.", out[i].share)
		}
		out = append(out, w)
	}
	return out
}

// leavingShares are the shares whose policy the status calls ours and that are in the spec no more. One that dfs never had
// is not ours: whoever made the share meanwhile may have given it a policy.
func leavingShares(server *dittofsv1alpha1.DittoServer) []string {
	var out []string
	for _, s := range server.Status.SnapshotPolicies {
		if s.Reason != PolicyShareNotFound && !inSpec(server, s.Share) {
			out = append(out, s.Share)
		}
	}
	slices.Sort(out)
	return out
}

func inSpec(server *dittofsv1alpha1.DittoServer, share string) bool {
	return slices.ContainsFunc(server.Spec.SnapshotPolicies, func(p dittofsv1alpha1.SnapshotPolicy) bool {
		return dfs.ShareName(p.Share) == dfs.ShareName(share)
	})
}
