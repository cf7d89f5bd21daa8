// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// readBody reads a body of JSON, or none.
func readBody(req *http.Request, limit int64) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, limit+1))
	switch {
	case err != nil:
		return nil, apierrors.NewBadRequest("the body cannot be read to its end")
	case int64(len(body)) > limit:
		return nil, apierrors.NewRequestEntityTooLargeError(fmt.Sprintf("the dfs API takes at most %d bytes", limit))
	}
	if body = bytes.TrimSpace(body); len(body) > 0 && !json.Valid(body) {
		return nil, apierrors.NewBadRequest("the body is not JSON, which is all that the dfs API takes")
	}
	return body, nil
}

// adapterPath is where one adapter is changed.
const adapterPath = "api/v1/adapters/{type}"

// checkBody refuses the one value that ruins a server for good: dfs stores a port that does not exist, and from then on
// every start of it ends in a panic.
func (r route) checkBody(body []byte) error {
	if r.path != adapterPath || len(body) == 0 {
		return nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return apierrors.NewBadRequest("the body is not an object")
	}
	for name, value := range fields {
		// dfs matches names as Go does, without regard to case.
		if !strings.EqualFold(name, "port") || string(value) == "null" {
			continue
		}
		var port int64
		if err := json.Unmarshal(value, &port); err != nil || port < 1 || port > 65535 {
			return apierrors.NewBadRequest("port must be a number of 1 to 65535: dfs would store another one, and not start any more")
		}
	}
	return nil
}
