// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestARatioAboveOneMeansThatOursIsBetter(t *testing.T) {
	var results table
	results.add(
		row{name: "create", unit: "/s", more: true, values: []float64{100, 200, 50}},
		row{name: "list", unit: "ms", values: []float64{100, 200, 25}},
	)
	text := results.markdown()
	for _, want := range []string{
		"| create | /s | 100 | 200 | **2.00** | 50.0 | **0.50** |",
		"| list | ms | 100 | 200 | **0.50** | 25.0 | **4.00** |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no row %s in\n%s", want, text)
		}
	}
}
