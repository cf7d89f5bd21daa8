// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// adapterPorts are taken in every pod: dfs makes its adapters at its first
// start, before anybody can tell it other ports, and an adapter that finds its
// port taken is silent about it.
var adapterPorts = []struct {
	port int32
	of   string
}{
	{12049, "the NFS adapter"},
	{1445, "the SMB adapter"},
	{10111, "the portmapper of the NFS adapter"},
}

// validatePorts keeps the listeners of one pod apart.
func validatePorts(spec *dittofsv1alpha1.DittoServerSpec, path *field.Path) field.ErrorList {
	api := ptr.Deref(spec.ControlPlane.Port, 0)
	errs := validateAdapterClash(api, "8080", path.Child("controlPlane", "port"))
	if spec.Metrics == nil || !spec.Metrics.Enabled {
		return errs
	}
	metrics, metricsPath := ptr.Deref(spec.Metrics.Port, 0), path.Child("metrics", "port")
	if metrics == api {
		errs = append(errs, field.Invalid(metricsPath, metrics, "must not be controlPlane.port: one port of the pod has one listener; use another one, for example 9091"))
	}
	return append(errs, validateAdapterClash(metrics, "9090", metricsPath)...)
}

func validateAdapterClash(port int32, example string, path *field.Path) field.ErrorList {
	for _, taken := range adapterPorts {
		if port == taken.port {
			return field.ErrorList{field.Invalid(path, port, fmt.Sprintf("is the port of %s in the pod; use another one, for example %s", taken.of, example))}
		}
	}
	return nil
}
