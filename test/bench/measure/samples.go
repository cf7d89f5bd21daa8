// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package measure is what the benchmarks share: what processes hold and have used, quantiles, and tables.
// In: addresses and process IDs of a local control plane, samples, rows. Out: numbers, and tables in Markdown.
// It never starts, stops or changes what it looks at.
package measure

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// Megabyte is the unit of all sizes.
const Megabyte = 1 << 20

// Quantile is the nearest of the samples, of which there must be one.
func Quantile(samples []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// Milliseconds is a duration as tables have it.
func Milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Number has as many digits as mean something.
func Number(value float64) string {
	switch absolute := math.Abs(value); {
	case absolute >= 100:
		return fmt.Sprintf("%.0f", value)
	case absolute >= 10:
		return fmt.Sprintf("%.1f", value)
	}
	return fmt.Sprintf("%.2f", value)
}

// Table is Markdown: the first columns are texts and stand left, the others numbers and stand right.
func Table(texts int, header []string, rows [][]string) string {
	var out strings.Builder
	line := func(cells []string) { fmt.Fprintf(&out, "| %s |\n", strings.Join(cells, " | ")) }
	line(header)
	for i := range header {
		if i < texts {
			out.WriteString("|---")
		} else {
			out.WriteString("|--:")
		}
	}
	out.WriteString("|\n")
	for _, row := range rows {
		line(row)
	}
	return out.String()
}
