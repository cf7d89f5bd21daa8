// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// failures counts requests that failed, by what the client was told.
type failures map[string]int

// failureOf is the code of the answer or, without one, what became of the connection.
func failureOf(err error) string {
	var status apierrors.APIStatus
	var timeout net.Error
	switch {
	case errors.As(err, &status) && status.Status().Code != 0:
		return strconv.Itoa(int(status.Status().Code))
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer"
	}
	return "cut"
}

// String names the most frequent first.
func (f failures) String() string {
	kinds := slices.SortedFunc(maps.Keys(f), func(a, b string) int {
		if f[a] != f[b] {
			return f[b] - f[a]
		}
		return strings.Compare(a, b)
	})
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("%d× %s", f[kind], kind)
	}
	return strings.Join(kinds, ", ")
}

// retriable failures are those that say "later": of the server, of the aggregator in front of it, or of a connection that
// broke in the middle.
func retriable(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return true // no answer at all
	}
	switch status.Status().Code {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return true
	case http.StatusGatewayTimeout:
		return true // it may have been carried out, as our server says of an etcd that elects a leader
	case http.StatusInternalServerError, http.StatusBadGateway:
		// What the aggregator says of a connection that was cut off in the middle of an answer.
		return strings.Contains(err.Error(), "EOF") || strings.Contains(err.Error(), "connection") || strings.Contains(err.Error(), "timeout")
	}
	return false
}
