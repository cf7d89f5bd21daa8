// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
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
	if m.kubeHeap, err = liveHeap(ctx, b.plane.AdminConfig()); err != nil {
		return m, err
	}
	if m.ourHeap, err = liveHeap(ctx, b.server.DirectConfig()); err != nil {
		return m, err
	}
	m.resident = map[string]float64{}
	for _, process := range b.plane.Processes() {
		if m.resident[process.Name], err = resident(process.PID); err != nil {
			return m, err
		}
	}
	return m, nil
}

// liveHeap is the heap after a garbage collection, which asking for the profile is.
func liveHeap(ctx context.Context, config *rest.Config) (float64, error) {
	client, err := adminClient(config)
	if err != nil {
		return 0, err
	}
	if _, err := client.Get().AbsPath("/debug/pprof/heap").Param("gc", "1").DoRaw(ctx); err != nil {
		return 0, fmt.Errorf("collect the garbage of %s: %w", config.Host, err)
	}
	text, err := client.Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the metrics of %s: %w", config.Host, err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "go_memstats_heap_alloc_bytes "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, fmt.Errorf("%s has no metric go_memstats_heap_alloc_bytes", config.Host)
}

func adminClient(config *rest.Config) (*rest.RESTClient, error) {
	config = rest.CopyConfig(config)
	config.GroupVersion, config.NegotiatedSerializer = &schema.GroupVersion{}, scheme.Codecs.WithoutConversion()
	return rest.UnversionedRESTClientFor(config)
}

func resident(pid int) (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("/proc/%d/statm: %q", pid, text)
	}
	pages, err := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize()), err
}

// addMemory adds what the objects cost. Both ways to our server lead to one
// store, so it holds twice as many.
func (b *bench) addMemory(before, after memory) {
	const megabyte = 1 << 20
	thousands := float64(b.options.objects) / 1000
	ours := (after.ourHeap - before.ourHeap) / megabyte / (2 * thousands)
	b.table.add(row{name: "live heap of the API server for 1,000 objects", unit: "MiB", values: []float64{
		(after.kubeHeap - before.kubeHeap) / megabyte / thousands, ours, ours,
	}})
	kube := after.resident["kube-apiserver"] + after.resident["etcd"] - before.resident["kube-apiserver"] - before.resident["etcd"]
	own := (after.resident["dittofs-apiserver"] - before.resident["dittofs-apiserver"]) / megabyte / (2 * thousands)
	b.table.add(row{name: "resident memory, API server and etcd, for 1,000 objects", unit: "MiB", values: []float64{
		kube / megabyte / thousands, own, own,
	}})
}
