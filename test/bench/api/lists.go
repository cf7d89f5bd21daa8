// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
)

const tables = "application/json;as=Table;v=v1;g=meta.k8s.io"

// lists reads all objects of a namespace in each form.
func (b *bench) lists(ctx context.Context) error {
	for _, form := range []struct {
		row string
		request
	}{
		{"list", request{accept: "application/json"}},
		{"list, not compressed", request{accept: "application/json", plain: true}},
		{"list, from the cache (resourceVersion=0)", request{accept: "application/json", path: "?resourceVersion=0"}},
		{"list as a Table (kubectl get)", request{accept: tables}},
		{"list as a Table, 500 at a time", request{accept: tables, path: "?limit=500"}},
	} {
		form.method = http.MethodGet
		samples := make([][]time.Duration, len(b.subjects))
		for turn := range b.options.lists {
			for i := range b.subjects {
				i = (i + turn) % len(b.subjects)
				started := time.Now()
				size, err := b.subjects[i].send(ctx, form.request)
				if err != nil {
					return fmt.Errorf("%s, %s: %w", b.subjects[i].name, form.row, err)
				}
				samples[i] = append(samples[i], time.Since(started))
				if form.row == "list" && i == 0 {
					b.objectBytes = size / int64(b.options.objects)
				}
			}
		}
		result := row{name: form.row, unit: "ms"}
		for i := range b.subjects {
			result.values = append(result.values, measure.Milliseconds(measure.Quantile(samples[i], .5)))
		}
		b.table.add(result)
	}
	return nil
}
