// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

var (
	expires = metrics.NewGaugeVec(&metrics.GaugeOpts{
		Namespace: "dittofs", Subsystem: "certificate", Name: "expiration_timestamp_seconds", StabilityLevel: metrics.ALPHA,
		Help: "When the certificate expires, in seconds since 1970: serving is the one of this process, authority the one that signs it.",
	}, []string{"certificate"})
	failures = metrics.NewCounter(&metrics.CounterOpts{
		Namespace: "dittofs", Subsystem: "certificate", Name: "keeping_failures_total", StabilityLevel: metrics.ALPHA,
		Help: "Times that the authority or the caBundle of the APIService could not be brought up to date.",
	})
)

// RegisterMetrics makes the metrics visible; registering again does nothing.
func RegisterMetrics() { legacyregistry.MustRegister(expires, failures) }
