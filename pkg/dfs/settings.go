package dfs

import (
	"context"
	"net/http"
	"regexp"
)

var machineSID = regexp.MustCompile(`^S-1-5-21(-[0-9]{1,10}){3}$`)

// MachineSID asks for the identity that the server generated when its database was new and keeps there ever since, so
// another value means another database. IsNotFound(err) when the database holds none yet.
func (c *Client) MachineSID(ctx context.Context) (string, error) {
	const path = apiPrefix + "/settings/machine_sid"
	var out struct {
		Value string `json:"value"`
	}
	if err := c.do(ctx, call{method: http.MethodGet, path: path, into: &out}); err != nil {
		return "", err
	}
	if !machineSID.MatchString(out.Value) {
		return "", &AnswerError{http.MethodGet, path, "the value is no machine SID (S-1-5-21-a-b-c)"}
	}
	return out.Value, nil
}
