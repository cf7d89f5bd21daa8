// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package measure

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// Metrics is what a server says at /metrics.
type Metrics string

// Scrape asks a server for its metrics.
func Scrape(ctx context.Context, config *rest.Config) (Metrics, error) {
	client, err := adminClient(config)
	if err != nil {
		return "", err
	}
	text, err := client.Get().AbsPath("/metrics").DoRaw(ctx)
	if err != nil {
		return "", fmt.Errorf("read the metrics of %s: %w", config.Host, err)
	}
	return Metrics(text), nil
}

// Sum adds up the series of a name that have all of these labels, each as verb="PUT". Without any it is 0.
func (m Metrics) Sum(name string, labels ...string) (sum float64) {
	for line := range strings.Lines(string(m)) {
		rest, ok := strings.CutPrefix(line, name)
		if !ok || rest == "" || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		at := strings.LastIndexByte(rest, ' ')
		if slices.ContainsFunc(labels, func(label string) bool { return !strings.Contains(rest[:at], label) }) {
			continue
		}
		if value, err := strconv.ParseFloat(strings.TrimSpace(rest[at:]), 64); err == nil {
			sum += value
		}
	}
	return sum
}

// LiveHeap is the heap in bytes after a garbage collection, which asking for the profile is.
func LiveHeap(ctx context.Context, config *rest.Config) (float64, error) {
	client, err := adminClient(config)
	if err != nil {
		return 0, err
	}
	if _, err := client.Get().AbsPath("/debug/pprof/heap").Param("gc", "1").DoRaw(ctx); err != nil {
		return 0, fmt.Errorf("collect the garbage of %s: %w", config.Host, err)
	}
	metrics, err := Scrape(ctx, config)
	if err != nil {
		return 0, err
	}
	if bytes := metrics.Sum("go_memstats_heap_alloc_bytes"); bytes > 0 {
		return bytes, nil
	}
	return 0, fmt.Errorf("%s has no metric go_memstats_heap_alloc_bytes", config.Host)
}

func adminClient(config *rest.Config) (*rest.RESTClient, error) {
	config = rest.CopyConfig(config)
	config.GroupVersion, config.NegotiatedSerializer = &schema.GroupVersion{}, scheme.Codecs.WithoutConversion()
	return rest.UnversionedRESTClientFor(config)
}

// Resident is the memory in bytes that a process holds, 0 where /proc is not.
func Resident(pid int) (float64, error) {
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
