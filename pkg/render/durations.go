// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package render

import (
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

// shutdownTimeout bounds each stage of a graceful stop of dfs; the whole takes up to three of them and 5 s.
func shutdownTimeout(server *v1alpha1.DittoServer) (time.Duration, *field.Error) {
	return positive(field.NewPath("spec", "shutdownTimeout"), server.Spec.ShutdownTimeout)
}

// duration returns the one spelling of a duration, so that 60m instead of 1h restarts nothing.
func duration(at *field.Path, value string) (string, *field.Error) {
	d, err := positive(at, value)
	return d.String(), err
}

func positive(at *field.Path, value string) (time.Duration, *field.Error) {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return 0, field.Invalid(at, value, "must be a positive duration, such as 15m or 168h")
	}
	return d, nil
}
