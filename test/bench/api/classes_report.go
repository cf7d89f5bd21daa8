// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
)

// classTable has the series of one spread.
type classTable struct {
	title  string
	series []*series
	// before are those of the first offer before anything was stored; none if empty.
	before []*series
}

func (t classTable) markdown() string {
	var rows [][]string
	if len(t.before) > 0 {
		rows = append(rows, classRow("no class, before they are stored", t.before, nil))
	}
	for from := 0; from < len(t.series); {
		to := from + 1
		for to < len(t.series) && t.series[to].offer.row == t.series[from].offer.row {
			to++
		}
		rows = append(rows, classRow(t.series[from].offer.row, t.series[from:to], t.series))
		from = to
	}
	return measure.Table(1, []string{
		"create, " + t.title, "/s, CRD", "p50, ms", "adds", "/s, ours, through the aggregator", "p50, ms", "adds", "/s, ours, directly", "p50, ms", "adds",
	}, rows)
}

// classRow compares with the series in the base that each is beside, of the same way.
func classRow(name string, ways, base []*series) []string {
	row := []string{name, none, none, none, none, none, none, none, none, none}
	for _, s := range ways {
		cells := row[1+3*s.way:]
		cells[0] = measure.Number(float64(len(s.latencies)) / sum(s.turns).Seconds())
		cells[1] = measure.Number(measure.Milliseconds(measure.Quantile(s.latencies, .5)))
		if i := slices.IndexFunc(base, func(b *series) bool { return b.way == s.way && b.offer.row == s.offer.beside }); i >= 0 {
			cells[2] = fmt.Sprintf("**%+.0f %%**", 100*added(s.turns, base[i].turns))
		}
	}
	return row
}

// added is the middle of what each turn took longer than the turn of the other in the same round: what else the machine
// does slows single turns, and by far more than what is measured.
func added(turns, beside []time.Duration) float64 {
	ratios := make([]float64, len(turns))
	for i := range turns {
		ratios[i] = float64(turns[i])/float64(beside[i]) - 1
	}
	slices.Sort(ratios)
	return (ratios[(len(ratios)-1)/2] + ratios[len(ratios)/2]) / 2
}

func sum(turns []time.Duration) (all time.Duration) {
	for _, d := range turns {
		all += d
	}
	return all
}

// none is a cell without a value.
const none = "–"
