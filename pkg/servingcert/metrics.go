// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"time"

	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/util/cert"
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

// Observe keeps the metric of a certificate that comes from elsewhere, such as files, which are read again when they change.
func Observe(source dynamiccertificates.CertKeyContentProvider) {
	o := observer{source}
	o.Enqueue()
	source.AddListener(o)
}

type observer struct {
	source dynamiccertificates.CertKeyContentProvider
}

// Enqueue is told of each new certificate. One that cannot be read is 1970: long over.
func (o observer) Enqueue() {
	content, _ := o.source.CurrentCertKeyContent()
	ends := time.Unix(0, 0)
	if certificates, err := cert.ParseCertsPEM(content); err == nil {
		ends = certificates[0].NotAfter
	}
	expires.WithLabelValues("serving").Set(float64(ends.Unix()))
}
