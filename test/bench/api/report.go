// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
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
	var rows [][]string
	for _, r := range t.rows {
		cells := []string{r.name, r.unit, measure.Number(r.values[0])}
		for _, value := range r.values[1:] {
			cells = append(cells, measure.Number(value), fmt.Sprintf("**%.2f**", r.ratio(value)))
		}
		rows = append(rows, cells)
	}
	return measure.Table(2, []string{"measured", "unit", "CRD", "ours, through the aggregator", "ratio", "ours, directly", "ratio"}, rows)
}

func (r row) ratio(value float64) float64 {
	if r.more {
		return value / r.values[0]
	}
	return r.values[0] / value
}
