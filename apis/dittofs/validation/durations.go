// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// durationRange is what a field with a Go duration accepts, both ends included.
type durationRange struct {
	min, max time.Duration // no max if 0
	example  string
}

// parse returns the duration, or 0 and why it is refused.
func (r durationRange) parse(text string, path *field.Path) (time.Duration, field.ErrorList) {
	duration, err := time.ParseDuration(text)
	if err == nil && duration >= r.min && (r.max == 0 || duration <= r.max) {
		return duration, nil
	}
	bounds := "at least " + shortDuration(r.min)
	if r.max != 0 {
		bounds = shortDuration(r.min) + " to " + shortDuration(r.max)
	}
	return 0, field.ErrorList{field.Invalid(path, text, "must be a Go duration of "+bounds+", for example "+r.example)}
}

func (r durationRange) check(text string, path *field.Path) field.ErrorList {
	_, errs := r.parse(text, path)
	return errs
}

// shortDuration writes 2m and not 2m0s, as people do.
func shortDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
