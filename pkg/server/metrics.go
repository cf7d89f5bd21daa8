// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"k8s.io/apiserver/pkg/server/mux"
	"k8s.io/apiserver/pkg/server/routes"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/component-base/metrics/prometheus/slis"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/dittofs/dittofs-apiserver/pkg/backup"
	"github.com/dittofs/dittofs-apiserver/pkg/controller"
	"github.com/dittofs/dittofs-apiserver/pkg/registry/credentials"
	"github.com/dittofs/dittofs-apiserver/pkg/registry/proxy"
	"github.com/dittofs/dittofs-apiserver/pkg/servingcert"
	"github.com/dittofs/dittofs-apiserver/pkg/storeidentity"
)

var pluginLeftOut = metrics.NewGaugeVec(&metrics.GaugeOpts{
	Namespace: "dittofs", Subsystem: "admission", Name: "plugin_left_out", StabilityLevel: metrics.ALPHA,
	Help: "1 for an admission plugin of the library that is left out, because the host cluster lacks the kind that it watches.",
}, []string{"plugin"})

// registerMetrics makes the server's own metrics visible; registering again does nothing.
var registerMetrics = sync.OnceFunc(func() {
	storeidentity.RegisterMetrics()
	servingcert.RegisterMetrics()
	backup.RegisterMetrics()
	controller.RegisterMetrics()
	credentials.RegisterMetrics()
	proxy.RegisterMetrics()
	legacyregistry.MustRegister(pluginLeftOut)
})

// installMetrics serves one /metrics for the API server and the controllers,
// which keep registries of their own.
func installMetrics(handler *mux.PathRecorderMux) {
	// The library registers its metrics only while it installs its own handler.
	routes.DefaultMetrics{}.Install(mux.NewPathRecorderMux("unused"))
	handler.Handle("/metrics", metricsHandler())
	slis.SLIMetricsWithReset{}.Install(handler)
}

func metricsHandler() http.Handler {
	gatherer := merged{legacyregistry.DefaultGatherer, ctrlmetrics.Registry}
	return promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// merged adds to the first gatherer the families of the second that the first
// does not have: both describe the Go runtime, the process and client-go.
type merged struct{ first, second prometheus.Gatherer }

func (m merged) Gather() ([]*dto.MetricFamily, error) {
	families, err := m.first.Gather()
	if err != nil {
		return families, err
	}
	known := make(map[string]bool, len(families))
	for _, family := range families {
		known[family.GetName()] = true
	}
	more, err := m.second.Gather()
	for _, family := range more {
		if !known[family.GetName()] {
			families = append(families, family)
		}
	}
	return families, err
}
