// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servermetrics

import (
	"context"
	"errors"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

// outcome is what came of a call of a dfs API.
type outcome int

const (
	succeeded    outcome = iota
	unauthorized         // 401: dfs does not accept our token
	refused              // another 4xx: dfs does not want the request as it stands
	failed               // 5xx, or anything else that is no success
	unreachable          // no complete answer
	foreign              // somebody answers who is no dfs
	outcomes             // how many there are
)

// outcomeNames are the values of the label "outcome". They are stable: users match on them.
var outcomeNames = [outcomes]string{"success", "unauthorized", "refused", "failed", "unreachable", "foreign"}

// outcomeOf sorts an error of package dfs. A call that we broke off ourselves is none of them.
func outcomeOf(err error) outcome {
	var status *dfs.StatusError
	switch {
	case err == nil:
		return succeeded
	case errors.Is(err, context.Canceled):
		return outcomes
	case dfs.IsUnauthorized(err):
		return unauthorized
	case errors.As(err, &status) && status.Code >= 400 && status.Code < 500:
		return refused
	case dfs.IsUnreachable(err):
		return unreachable
	case dfs.IsForeign(err):
		return foreign
	}
	return failed
}
