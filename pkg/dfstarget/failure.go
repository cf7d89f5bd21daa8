// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfstarget

import (
	"errors"
	"net/http"
	"syscall"

	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

// Describe puts a failed call into words that stay the same as long as the failure does: the text of a network error
// holds port numbers that differ each time.
func Describe(err error, t TLS) string {
	var status *dfs.StatusError
	switch {
	case dfs.IsTimeout(err):
		return "no answer in time"
	case dfs.IsUntrusted(err):
		return describeTLS(err, t)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "no route to the pod"
	case dfs.IsUnreachable(err):
		return "the connection broke"
	case dfs.IsForeign(err):
		return "something other than a DittoFS server answers"
	case !t.On && errors.As(err, &status) && status.Path == dfs.HealthPath && status.Code == http.StatusBadRequest:
		// What a server that speaks TLS says to plain HTTP.
		return "it speaks TLS, and was asked without: either its pod is of an older template and about to be replaced, or --dfs-url-template says http:// instead of {scheme}://"
	default:
		return err.Error()
	}
}
