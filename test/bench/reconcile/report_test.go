// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
	"time"
)

func TestTheReportHasRatiosToThePlainClientAndCostsPerServer(t *testing.T) {
	b := &bench{
		options: options{servers: 10}, least: 11,
		bare: &creation{sets: 2 * time.Second, objects: 2 * time.Second, pods: 10 * time.Second},
		ours: &creation{sets: 3 * time.Second, objects: 3 * time.Second, pods: 11 * time.Second, ready: 12 * time.Second, statusWrites: 30,
			requests: map[request]int{
				{verb: "patch", resource: "services"}:               40,
				{verb: "patch", resource: "services", dryRun: true}: 10,
				{verb: "create", resource: "events"}:                20,
				{verb: "update", resource: "leases"}:                50,
			}},
		growing: []size{{from: 0, to: 10, spent: look{cpu: 1}}, {from: 10, to: 30, spent: look{cpu: 4}}},
	}
	text := b.report()
	for _, want := range []string{
		"| all objects are there | s | 2.00 | 3.00 | **1.50** |",
		"| all servers are Ready; the pods, of the plain client | s | 10.0 | 12.0 | **1.20** | 110 |",
		"| writes of objects, all |  | 4.00 |",
		"| the least that there can be |  | 11 |",
		"| writes of the status, in our own store |  | 3.00 |",
		"| patch services, dry run | done | 1.00 |",
		"| processor time of our process | ms | 100 | 200 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no row %s in\n%s", want, text)
		}
	}
	if strings.Contains(text, "leases") {
		t.Error("the lease is counted as a cost of a server")
	}
}
