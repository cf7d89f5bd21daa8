// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package runbooks_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// followEtcd is about an etcd of three members, which our server need not use for it.
func followEtcd(t *testing.T, w *walk) {
	binary, err := harness.Binary("etcd")
	if err != nil {
		t.Fatal(err)
	}
	var commands [][]string
	var clients, cluster []string
	for i := range 3 {
		name, dir := fmt.Sprintf("m%d", i), t.TempDir()
		client, peer := address(t), address(t)
		clients, cluster = append(clients, client), append(cluster, name+"="+peer)
		commands = append(commands, []string{
			"--name=" + name, "--data-dir=" + filepath.Join(dir, "data"), "--log-level=error",
			"--listen-client-urls=" + client, "--advertise-client-urls=" + client, "--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer,
		})
	}
	start := func(i int) *exec.Cmd {
		command := exec.Command(binary, append(commands[i], "--initial-cluster="+strings.Join(cluster, ","))...)
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stopProcess(command) })
		return command
	}
	members := []*exec.Cmd{start(0), start(1), start(2)}
	awaitQuorum(t, clients)
	w.page.Replace(`"$ETCD_SERVERS"`, strings.Join(clients, ","))

	stopProcess(members[2])
	w.see(t, "etcd")
	members[2] = start(2)
	w.over(t, "etcd")

	stopProcess(members[1])
	stopProcess(members[2])
	// The others are asked for in vain.
	w.await(t, "etcd-alone")
	w.do(t, "etcd-left")
}

func address(t *testing.T) string { return fmt.Sprintf("http://127.0.0.1:%d", harness.FreePort(t)) }

func stopProcess(command *exec.Cmd) {
	_ = command.Process.Kill()
	_ = command.Wait()
}

func awaitQuorum(t *testing.T, endpoints []string) {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: endpoints, DialTimeout: time.Minute, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	harness.Eventually(t, "etcd has a quorum", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_, err := client.Get(ctx, "/")
		return err
	})
}
