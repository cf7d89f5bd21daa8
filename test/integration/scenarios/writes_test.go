// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package scenarios_test

import (
	"encoding/json"
	"sync/atomic"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// countWrites counts from now on how often the DittoServer is written, by whomever.
func countWrites(t *testing.T, s harness.Subject) func() int64 {
	t.Helper()
	stream, err := cluster.Admin.DittoServers(s.Namespace).Watch(t.Context(), metav1.SingleObject(s.Get(t).ObjectMeta))
	if err != nil {
		t.Fatal(err)
	}
	var count atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event := range stream.ResultChan() {
			if event.Type == watch.Modified {
				count.Add(1)
			}
		}
	}()
	t.Cleanup(func() { stream.Stop(); <-done })
	return count.Load
}

// decode reads an answer of the dfs API.
func decode(t *testing.T, answer []byte) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(answer, &out); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	return out
}
