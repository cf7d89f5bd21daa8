// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"sync"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// Audit annotations of a request that was answered with a token.
const (
	AuditRole     = "dittofs.io/credentials-role"
	AuditExpires  = "dittofs.io/credentials-expires"
	AuditUsername = "dittofs.io/credentials-username"
)

var issued = metrics.NewCounterVec(&metrics.CounterOpts{
	Namespace: "dittofs", Subsystem: "credentials", Name: "issued_total", StabilityLevel: metrics.ALPHA,
	Help: "Tokens of dfs APIs that were handed out, by role.",
}, []string{"role"})

// RegisterMetrics makes the counter visible; registering again does nothing.
var RegisterMetrics = sync.OnceFunc(func() { legacyregistry.MustRegister(issued) })
