// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"crypto/sha256"
	"encoding/hex"
)

// DFSUsername is how the log of a dfs server names a user of Kubernetes: k8s: and the first half of the SHA-256 of their
// name. It is the name of no account: dfs gives the rights of an account to a token with its name.
func DFSUsername(user string) string {
	sum := sha256.Sum256([]byte(user))
	return "k8s:" + hex.EncodeToString(sum[:len(sum)/2])
}
