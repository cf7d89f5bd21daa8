// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// table is what was measured: a row for each measurement, a value for each subject, the CRD first.
type table struct{ rows []row }

type row struct {
	name, unit string
	values     []float64
	// more means that a higher value is better, as with requests per second.
	more bool
}

func (t *table) add(rows ...row) { t.rows = append(t.rows, rows...) }

// markdown gives the values and, for each of ours, how many times as good as the
// CRD's it is: above 1 ours is better.
func (t *table) markdown() string {
	var text strings.Builder
	text.WriteString("| measured | unit | CRD | ours, through the aggregator | ratio | ours, directly | ratio |\n|---|---|--:|--:|--:|--:|--:|\n")
	for _, r := range t.rows {
		fmt.Fprintf(&text, "| %s | %s | %s", r.name, r.unit, number(r.values[0]))
		for _, value := range r.values[1:] {
			fmt.Fprintf(&text, " | %s | **%.2f**", number(value), r.ratio(value))
		}
		text.WriteString(" |\n")
	}
	return text.String()
}

func (r row) ratio(value float64) float64 {
	if r.more {
		return value / r.values[0]
	}
	return r.values[0] / value
}

// number has as many digits as mean something.
func number(value float64) string {
	switch absolute := math.Abs(value); {
	case absolute >= 100:
		return fmt.Sprintf("%.0f", value)
	case absolute >= 10:
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.2f", value)
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// quantile is the nearest of the samples.
func quantile(samples []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
