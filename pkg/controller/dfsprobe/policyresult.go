// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import "time"

// Reasons of a PolicyResult that is not applied.
const (
	// PolicyShareNotFound means that the share does not exist. The policy is applied once it does.
	PolicyShareNotFound = "ShareNotFound"
	// PolicyRefused means that dfs refuses the policy as it stands.
	PolicyRefused = "Refused"
	// PolicyUnreachable means that dfs did not answer, or that it failed.
	PolicyUnreachable = "Unreachable"
	// PolicyHeld means that nothing may be written to this server for now; the message says why.
	PolicyHeld = "Held"
)

// PolicyResult is what became of one snapshot policy of the spec, or of one that left it and is not switched off yet.
type PolicyResult struct {
	// Share is the name as the spec has it.
	Share string
	// Applied says that dfs has the policy as it is in the spec.
	Applied bool
	// Reason and Message say why not.
	Reason  string
	Message string
	// LastRun is when dfs last took a snapshot by the policy.
	LastRun *time.Time
}
