// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWhatAClassAddsIsComparedWithTheSameWayWithoutOne(t *testing.T) {
	of := func(row, beside string, first int, elapsed ...time.Duration) (ways []*series) {
		for i, d := range elapsed {
			ways = append(ways, &series{offer: offer{row: row, beside: beside}, way: first + i, turns: []time.Duration{d / 4, d / 4, d / 2}, latencies: []time.Duration{d, d}})
		}
		return ways
	}
	text := classTable{
		title: "all writers in one namespace", before: of("no class", "", 0, time.Second, time.Second, time.Second),
		series: slices.Concat(
			of("no class", "", 0, time.Second, 2*time.Second, time.Second),
			of("a class", "no class", 1, 3*time.Second, 900*time.Millisecond),
			of("a quota", "no class", 0, 2*time.Second, 2*time.Second, 2*time.Second),
			of("both", "a quota", 1, 3*time.Second, time.Second)),
	}.markdown()
	for _, want := range []string{
		"| no class, before they are stored | 2.00 | 1000 | – | 2.00 | 1000 | – | 2.00 | 1000 | – |",
		"| no class | 2.00 | 1000 | – | 1.00 | 2000 | – | 2.00 | 1000 | – |",
		"| a class | – | – | – | 0.67 | 3000 | **+50 %** | 2.22 | 900 | **-10 %** |",
		"| a quota | 1.00 | 2000 | **+100 %** | 1.00 | 2000 | **+0 %** | 1.00 | 2000 | **+100 %** |",
		"| both | – | – | – | 0.67 | 3000 | **+50 %** | 2.00 | 1000 | **-50 %** |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no row %s in\n%s", want, text)
		}
	}
}

func TestOneSlowTurnDoesNotCount(t *testing.T) {
	if got := added([]time.Duration{110, 90000, 110, 330}, []time.Duration{100, 100, 100, 300}); got < 0.099 || got > 0.101 {
		t.Errorf("added is %f", got)
	}
}

func TestTheMeasuredSpecIsOfItsClass(t *testing.T) {
	if spec := specOfClass("gold"); !strings.HasPrefix(spec, `{"className": "gold", `) || !strings.HasSuffix(spec, strings.TrimPrefix(plainSpec(), "{")) {
		t.Errorf("the spec is %s", spec)
	}
	if specOfClass("") != plainSpec() {
		t.Error("without a class it is another spec")
	}
	class, err := newClass(countedClass)
	if err != nil || class.Spec.Limits.ServersPerNamespace == nil || class.Spec.Limits.Services.SourceRanges == nil {
		t.Errorf("the class is %+v: %v", class.Spec, err)
	}
}
