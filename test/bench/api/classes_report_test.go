// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"
)

func TestWhatAClassAddsIsComparedWithTheSameWayWithoutOne(t *testing.T) {
	of := func(row string, elapsed ...time.Duration) (both []*series) {
		for _, d := range elapsed {
			both = append(both, &series{offer: offer{row: row}, elapsed: d, latencies: []time.Duration{d, d}})
		}
		return both
	}
	text := classTable{
		title: "all writers in one namespace", before: of("no class", time.Second, time.Second),
		series: append(of("no class", 2*time.Second, time.Second), of("a class with limits", 3*time.Second, 900*time.Millisecond)...),
	}.markdown()
	for _, want := range []string{
		"| no class, before they are stored | 2.00 | 1000 | – | 2.00 | 1000 | – |",
		"| no class | 1.00 | 2000 | – | 2.00 | 1000 | – |",
		"| a class with limits | 0.67 | 3000 | **+50 %** | 2.22 | 900 | **-10 %** |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no row %s in\n%s", want, text)
		}
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
