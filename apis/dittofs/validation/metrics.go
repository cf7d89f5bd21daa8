// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"math"
	"regexp"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

var (
	metricsPath = regexp.MustCompile(`^/[A-Za-z0-9._~/-]*$`)
	// prometheusDuration is the pattern of the ServiceMonitor of the Prometheus operator.
	prometheusDuration = regexp.MustCompile(`^(0|(([0-9]+)y)?(([0-9]+)w)?(([0-9]+)d)?(([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?(([0-9]+)ms)?)$`)
)

func validateMetrics(metrics *dittofsv1alpha1.MetricsSpec, path *field.Path) field.ErrorList {
	if metrics == nil {
		return nil
	}
	var errs field.ErrorList
	if !metricsPath.MatchString(metrics.Path) {
		errs = append(errs, field.Invalid(path.Child("path"), metrics.Path, "must start with a slash and have only letters, digits, '-', '.', '_', '~' and '/', for example /metrics"))
	}
	errs = append(errs, validateKeyReference(metrics.BearerTokenSecret, path.Child("bearerTokenSecret"))...)
	monitor, monitorPath := metrics.ServiceMonitor, path.Child("serviceMonitor")
	if monitor == nil {
		return errs
	}
	if monitor.Enabled && !metrics.Enabled {
		errs = append(errs, field.Invalid(monitorPath.Child("enabled"), true, "needs metrics.enabled: there is nothing to scrape"))
	}
	if !isPrometheusDuration(monitor.Interval) {
		errs = append(errs, field.Invalid(monitorPath.Child("interval"), monitor.Interval, "must be a duration in the form of Prometheus, for example 30s or 1m30s"))
	}
	return append(errs, validateLabels(monitor.Labels, monitorPath.Child("labels"))...)
}

// isPrometheusDuration accepts nothing too, and refuses what Prometheus cannot
// count in nanoseconds: one such ServiceMonitor keeps the operator from
// configuring Prometheus at all.
func isPrometheusDuration(text string) bool {
	parts := prometheusDuration.FindStringSubmatch(text)
	if parts == nil {
		return false
	}
	seconds := 0.0
	for i, unit := range []float64{365 * 86400, 7 * 86400, 86400, 3600, 60, 1, 0.001} {
		if number, err := strconv.ParseFloat(parts[3+2*i], 64); err == nil {
			seconds += number * unit
		}
	}
	return seconds < math.MaxInt64/float64(time.Second)
}
