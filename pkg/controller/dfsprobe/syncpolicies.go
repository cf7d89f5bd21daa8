// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

// policyState is what is kept of the policy of one share between rounds.
type policyState struct {
	share  string // as in the spec
	wanted dfs.SnapshotPolicy
	result PolicyResult
	retry  retry
	// ours says that dfs took it from us, so that it is ours to switch off.
	ours bool
}

// syncPolicies brings the snapshot policies into the server. Equal ones are not written, and those of others left alone.
func (v *visit) syncPolicies(ctx context.Context, held string) error {
	wanted := wantedPolicies(v.server)
	leaving := v.leaving()
	if len(wanted) == 0 && len(leaving) == 0 {
		v.o.Policies = []PolicyResult{}
		return nil
	}
	listed, err := v.st.api.SnapshotPolicies(ctx)
	if err != nil {
		v.unlisted(err)
		return err
	}
	live := make(map[string]dfs.SnapshotPolicy, len(listed))
	for _, p := range listed {
		live[dfs.ShareName(p.Share)] = p
	}
	results := make([]PolicyResult, 0, len(wanted))
	var silent error
	for _, w := range wanted {
		if w.wrong != "" {
			results = append(results, PolicyResult{Share: w.share, Reason: PolicyRefused, Message: w.wrong})
			continue
		}
		st := v.policyState(w.share, w.policy)
		current, exists := live[w.policy.Share]
		if silent != nil && (!exists || !samePolicy(current, w.policy)) {
			st.result = PolicyResult{Share: w.share, Reason: PolicyUnreachable, Message: sentence(v.describe(silent))}
		} else if err := v.applyPolicy(ctx, st, current, exists, held); dfs.IsUnreachable(err) {
			silent = err // the others would wait just as long
		}
		results = append(results, st.result)
	}
	for _, share := range leaving {
		if silent != nil {
			// It must not be lost from the status: only there it is written that it is ours.
			results = append(results, unreachedLeaving(share, v.describe(silent)))
			continue
		}
		left, err := v.switchOff(ctx, share, live[dfs.ShareName(share)], held)
		if left != nil {
			results = append(results, *left)
		}
		if dfs.IsUnreachable(err) {
			silent = err
		}
	}
	v.o.Policies = results
	return silent
}

func unreachedLeaving(share, how string) PolicyResult {
	return PolicyResult{Share: share, Reason: PolicyUnreachable, Message: sentence("It left the spec and could not be switched off: " + how)}
}

// leaving are the shares whose policies are to be switched off: those that the status names, and those that were applied
// and left the spec again before the status could name them.
func (v *visit) leaving() []string {
	out := leavingShares(v.server)
	for _, name := range slices.Sorted(maps.Keys(v.st.policies)) {
		st := v.st.policies[name]
		known := slices.ContainsFunc(out, func(o string) bool { return dfs.ShareName(o) == name })
		if inSpec(v.server, st.share) || known {
			continue
		}
		if st.ours {
			out = append(out, st.share)
		} else {
			delete(v.st.policies, name)
		}
	}
	return out
}

// policyState finds what is kept of a share. A policy that changed is a new chance.
func (v *visit) policyState(share string, wanted dfs.SnapshotPolicy) *policyState {
	st := v.st.policies[wanted.Share]
	if st == nil {
		st = &policyState{}
		v.st.policies[wanted.Share] = st
	}
	if !samePolicy(st.wanted, wanted) || st.share != share {
		st.retry.reset()
	}
	st.share, st.wanted = share, wanted
	return st
}

func (v *visit) applyPolicy(ctx context.Context, st *policyState, current dfs.SnapshotPolicy, exists bool, held string) error {
	result := PolicyResult{Share: st.share, LastRun: current.LastRunAt}
	if exists && samePolicy(current, st.wanted) {
		st.retry.reset()
		result.Applied, st.ours = true, true
		st.result = result
		return nil
	}
	if held != "" {
		st.retry.reset()
		result.Reason, result.Message = PolicyHeld, sentence("Nothing is written to dfs for now: "+held)
		st.result = result
		return nil
	}
	if st.retry.pending() && !st.retry.due(v.now) {
		return nil
	}
	err := v.st.api.PutSnapshotPolicy(ctx, st.wanted)
	if err == nil {
		st.retry.reset()
		result.Applied, st.ours = true, true
	} else {
		st.retry.failed(v.now)
		result.Reason, result.Message = v.refusedPolicy(st.wanted.Share, err)
		// A share that is gone took its policy with it.
		st.ours = st.ours && result.Reason != PolicyShareNotFound
	}
	st.result = result
	return err
}

// switchOff ends a policy that left the spec. Snapshots and the policy itself stay, for whoever wants it back.
func (v *visit) switchOff(ctx context.Context, share string, current dfs.SnapshotPolicy, held string) (*PolicyResult, error) {
	name := dfs.ShareName(share)
	if !current.Enabled {
		delete(v.st.policies, name)
		return nil, nil
	}
	off := current
	off.Share, off.Enabled, off.LastRunAt = name, false, nil
	st := v.policyState(share, off)
	result := &PolicyResult{Share: share, LastRun: current.LastRunAt}
	if held != "" {
		st.retry.reset()
		result.Reason, result.Message = PolicyHeld, sentence("It left the spec and is to be switched off, but nothing is written to dfs for now: "+held)
		st.result = *result
		return result, nil
	}
	if st.retry.pending() && !st.retry.due(v.now) {
		return &st.result, nil
	}
	err := v.st.api.PutSnapshotPolicy(ctx, off)
	if err == nil || dfs.IsNotFound(err) {
		delete(v.st.policies, name)
		return nil, nil
	}
	st.retry.failed(v.now)
	reason, message := v.refusedPolicy(name, err)
	result.Reason, result.Message = reason, "It left the spec and could not be switched off: "+message
	st.result = *result
	return result, err
}

// refusedPolicy tells a share that is not there yet from a policy that dfs does not want and from a dfs that fails.
func (v *visit) refusedPolicy(share string, err error) (reason, message string) {
	var status *dfs.StatusError
	switch {
	case dfs.IsNotFound(err):
		return PolicyShareNotFound, fmt.Sprintf("There is no share %s. The policy is applied once there is.", share)
	case errors.As(err, &status) && status.Code < http.StatusInternalServerError && status.Code != http.StatusUnauthorized:
		if status.Detail == "" {
			return PolicyRefused, fmt.Sprintf("dfs answered with status %d.", status.Code)
		}
		return PolicyRefused, sentence("dfs refuses it: " + status.Detail)
	default:
		return PolicyUnreachable, sentence(v.describe(err))
	}
}

// unlisted says why nothing is known of the policies that dfs has.
func (v *visit) unlisted(err error) {
	if !dfs.IsNotFound(err) {
		if v.o.Policies == nil {
			v.o.Policies = []PolicyResult{}
		}
		v.unreachedPolicies(v.describe(err))
		return
	}
	v.o.Policies = []PolicyResult{}
	for _, w := range wantedPolicies(v.server) {
		v.o.Policies = append(v.o.Policies, PolicyResult{Share: w.share, Reason: PolicyRefused, Message: "This version of dfs has no snapshot policies."})
	}
}

// unreachedPolicies says of every policy that was not looked at as it now is in the spec that dfs could not be reached. The
// others are as they were. Before the first look nothing is said: the status may know more.
func (v *visit) unreachedPolicies(how string) {
	if v.o.Policies == nil {
		return
	}
	results := []PolicyResult{}
	for _, w := range wantedPolicies(v.server) {
		result := PolicyResult{Share: w.share, Reason: PolicyUnreachable, Message: sentence(how)}
		if st := v.st.policies[w.policy.Share]; st != nil && st.share == w.share && samePolicy(st.wanted, w.policy) {
			result = st.result
		} else if w.wrong != "" {
			result.Reason, result.Message = PolicyRefused, w.wrong
		}
		results = append(results, result)
	}
	for _, share := range v.leaving() {
		results = append(results, unreachedLeaving(share, how))
	}
	v.o.Policies = results
}

func samePolicy(a, b dfs.SnapshotPolicy) bool {
	a.LastRunAt, b.LastRunAt = nil, nil
	return a == b
}
