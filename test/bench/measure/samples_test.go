// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"testing"
	"time"
)

func TestAQuantileIsOneOfTheSamples(t *testing.T) {
	samples := []time.Duration{5, 1, 4, 2, 3}
	for q, want := range map[float64]time.Duration{0: 1, .5: 3, .99: 5, 1: 5} {
		if got := Quantile(samples, q); got != want {
			t.Errorf("quantile %v is %d, wanted %d", q, got, want)
		}
	}
}

func TestATableHasTextsLeftAndNumbersRight(t *testing.T) {
	got := Table(1, []string{"measured", "ours"}, [][]string{{"create", Number(12.34)}})
	if want := "| measured | ours |\n|---|--:|\n| create | 12.3 |\n"; got != want {
		t.Errorf("got\n%swanted\n%s", got, want)
	}
}

func TestAMetricIsTheSumOfItsSeriesThatHaveTheLabels(t *testing.T) {
	m := Metrics(`# HELP requests_total A counter.
requests_total{code="200",verb="PUT"} 3
requests_total{code="500",verb="PUT"} 1.5e+01
requests_total{code="200",verb="GET"} 7
requests_total_more{code="200"} 100
up 1
`)
	for _, tc := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"requests_total", nil, 25},
		{"requests_total", []string{`verb="PUT"`}, 18},
		{"requests_total", []string{`verb="PUT"`, `code="200"`}, 3},
		{"up", nil, 1},
		{"absent", nil, 0},
	} {
		if got := m.Sum(tc.name, tc.labels...); got != tc.want {
			t.Errorf("%s%v is %v, wanted %v", tc.name, tc.labels, got, tc.want)
		}
	}
}
