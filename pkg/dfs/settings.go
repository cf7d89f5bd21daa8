// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
)

// machineSIDKey is the setting under which dfs keeps the identity of its database.
const machineSIDKey = "machine_sid"

// ErrNoMachineSID says that the server's database holds no machine SID: somebody deleted the setting. The next start of
// the server generates another one. dfs answers a missing setting with 200 and an empty value, not with 404.
var ErrNoMachineSID = errors.New("dfs: the database of the server holds no machine SID")

var machineSID = regexp.MustCompile(`^S-1-5-21(-[0-9]{1,10}){3}$`)

type setting struct {
	Value string `json:"value"`
}

// MachineSID asks for the identity that the server generated when its database was new and keeps there ever since, so
// another value means another database, or that the configuration pins identity.machine_sid.
func (c *Client) MachineSID(ctx context.Context) (string, error) {
	sid, err := c.Setting(ctx, machineSIDKey)
	if err != nil {
		return "", err
	}
	if sid == "" {
		return "", ErrNoMachineSID
	}
	if !machineSID.MatchString(sid) {
		return "", &AnswerError{http.MethodGet, settingPath(machineSIDKey), "the value is no machine SID (S-1-5-21-a-b-c)"}
	}
	return sid, nil
}

// Setting asks for one of the settings that the server keeps in its database and gives no meaning to, unless the key is one
// of its own. It is empty when it was never set.
func (c *Client) Setting(ctx context.Context, key string) (string, error) {
	var out setting
	err := c.do(ctx, call{method: http.MethodGet, path: settingPath(key), into: &out})
	return out.Value, err
}

// PutSetting creates or replaces a setting. Every administrator of the dfs API reads it: no secrets.
func (c *Client) PutSetting(ctx context.Context, key, value string) error {
	if key == machineSIDKey {
		return errors.New("dfs: the machine SID is the server's own")
	}
	return c.do(ctx, call{method: http.MethodPut, path: settingPath(key), body: setting{value}})
}

func settingPath(key string) string { return apiPrefix + "/settings/" + url.PathEscape(key) }
