// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"context"
	"errors"
	"net/http"
	"regexp"
)

// ErrNoMachineSID says that the server's database holds no machine SID: somebody deleted the setting. The next start of
// the server generates another one. dfs answers a missing setting with 200 and an empty value, not with 404.
var ErrNoMachineSID = errors.New("dfs: the database of the server holds no machine SID")

var machineSID = regexp.MustCompile(`^S-1-5-21(-[0-9]{1,10}){3}$`)

// MachineSID asks for the identity that the server generated when its database was new and keeps there ever since, so
// another value means another database, or that the configuration pins identity.machine_sid.
func (c *Client) MachineSID(ctx context.Context) (string, error) {
	const path = apiPrefix + "/settings/machine_sid"
	var out struct {
		Value string `json:"value"`
	}
	if err := c.do(ctx, call{method: http.MethodGet, path: path, into: &out}); err != nil {
		return "", err
	}
	if out.Value == "" {
		return "", ErrNoMachineSID
	}
	if !machineSID.MatchString(out.Value) {
		return "", &AnswerError{http.MethodGet, path, "the value is no machine SID (S-1-5-21-a-b-c)"}
	}
	return out.Value, nil
}
