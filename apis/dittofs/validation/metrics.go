// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"regexp"

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
	if !prometheusDuration.MatchString(monitor.Interval) {
		errs = append(errs, field.Invalid(monitorPath.Child("interval"), monitor.Interval, "must be a duration in the form of Prometheus, for example 30s or 1m30s"))
	}
	return append(errs, validateLabels(monitor.Labels, monitorPath.Child("labels"))...)
}
