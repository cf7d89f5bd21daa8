// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
)

// memory is what the processes hold, in bytes: the live heap of the API servers,
// and the resident memory of each process, which is 0 where /proc is not.
type memory struct {
	kubeHeap, ourHeap float64
	resident          map[string]float64
}

func (b *bench) memory(ctx context.Context) (memory, error) {
	var m memory
	var err error
	if m.kubeHeap, err = measure.LiveHeap(ctx, b.plane.AdminConfig()); err != nil {
		return m, err
	}
	if m.ourHeap, err = measure.LiveHeap(ctx, b.server.DirectConfig()); err != nil {
		return m, err
	}
	m.resident = map[string]float64{}
	for _, process := range b.plane.Processes() {
		if m.resident[process.Name], err = measure.Resident(process.PID); err != nil {
			return m, err
		}
	}
	return m, nil
}

// addMemory adds what the objects cost. Both ways to our server lead to one
// store, so it holds twice as many.
func (b *bench) addMemory(before, after memory) {
	thousands := float64(b.options.objects) / 1000
	ours := (after.ourHeap - before.ourHeap) / measure.Megabyte / (2 * thousands)
	b.table.add(row{name: "live heap of the API server for 1,000 objects", unit: "MiB", values: []float64{
		(after.kubeHeap - before.kubeHeap) / measure.Megabyte / thousands, ours, ours,
	}})
	kube := after.resident["kube-apiserver"] + after.resident["etcd"] - before.resident["kube-apiserver"] - before.resident["etcd"]
	own := (after.resident["dittofs-apiserver"] - before.resident["dittofs-apiserver"]) / measure.Megabyte / (2 * thousands)
	b.table.add(row{name: "resident memory, API server and etcd, for 1,000 objects", unit: "MiB", values: []float64{
		kube / measure.Megabyte / thousands, own, own,
	}})
}
