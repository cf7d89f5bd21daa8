// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package tenancywalk_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func TestTheTenancyPageIsFollowedWithKubectl(t *testing.T) {
	page := harness.OpenPage(t, cluster.Admin, "tenancy.md", "prelude")
	before := keys(t)
	for _, step := range page.Of(t, "walk") {
		t.Logf("line %d:\n%s", step.Line, page.Follow(t, step))
	}
	if t.Failed() {
		return
	}
	// Of servers, classes and what was counted for them nothing is left, in the store and in the directory.
	harness.Eventually(t, "the store has what it had", func(context.Context) error {
		if after := keys(t); after != before {
			return fmt.Errorf("it has\n%s\nand had\n%s", after, before)
		}
		return nil
	})
	if left, err := filepath.Glob(filepath.Join(page.Dir, "*")); err != nil || len(left) != 1 {
		t.Errorf("left in the directory is %v: %v", left, err)
	}
}

// keys are those of the embedded etcd, without what the API library keeps there for itself.
func keys(t *testing.T) string {
	t.Helper()
	endpoint := "unix://" + filepath.Join(cluster.Server.DataDir, "sockets", "client")
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	response, err := client.Get(ctx, "/", clientv3.WithPrefix(), clientv3.WithKeysOnly())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, kv := range response.Kvs {
		all = append(all, string(kv.Key))
	}
	return strings.Join(all, "\n")
}
