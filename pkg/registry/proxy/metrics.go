// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package proxy

import (
	"net/http"
	"strconv"
	"sync"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

var requests = metrics.NewCounterVec(&metrics.CounterOpts{
	Namespace: "dittofs", Subsystem: "proxy", Name: "requests_total", StabilityLevel: metrics.ALPHA,
	Help: "Requests to the subresource proxy of servers that it is switched on for, by code of the answer and verb.",
}, []string{"code", "verb"})

// RegisterMetrics makes the counter visible; registering again does nothing.
var RegisterMetrics = sync.OnceFunc(func() { legacyregistry.MustRegister(requests) })

// verbs of Kubernetes, by method.
var verbs = map[string]string{
	http.MethodGet: "get", http.MethodHead: "get", http.MethodPost: "create", http.MethodPut: "update",
	http.MethodPatch: "patch", http.MethodDelete: "delete",
}

func count(method string, code int) {
	requests.WithLabelValues(strconv.Itoa(code), verbs[method]).Inc()
}
