// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
)

// classTable has the series of one spread: for each offer one through the aggregator and one directly, those without a
// class first.
type classTable struct {
	title  string
	series []*series
	// before is the same without a class, before anything was stored; none if empty.
	before []*series
}

func (t classTable) markdown() string {
	var rows [][]string
	if len(t.before) > 0 {
		rows = append(rows, classRow("no class, before they are stored", t.before, nil))
	}
	for i := 0; i < len(t.series); i += 2 {
		var base []*series
		if i > 0 {
			base = t.series[:2]
		}
		rows = append(rows, classRow(t.series[i].offer.row, t.series[i:i+2], base))
	}
	return measure.Table(1, []string{
		"create, " + t.title, "/s, through the aggregator", "p50, ms", "adds", "/s, directly", "p50, ms", "adds",
	}, rows)
}

func classRow(name string, ways, base []*series) []string {
	row := []string{name}
	for i, s := range ways {
		added := "–"
		if base != nil {
			added = fmt.Sprintf("**%+.0f %%**", 100*(float64(s.elapsed)/float64(base[i].elapsed)-1))
		}
		row = append(row, measure.Number(float64(len(s.latencies))/s.elapsed.Seconds()), measure.Number(measure.Milliseconds(measure.Quantile(s.latencies, .5))), added)
	}
	return row
}
