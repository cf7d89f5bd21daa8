// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// externalEtcd is an etcd of a test's own.
type externalEtcd struct {
	endpoint string
	args     []string
	command  *exec.Cmd
	log      *os.File
}

func startEtcd(t *testing.T) *externalEtcd {
	t.Helper()
	endpoint, peer := fmt.Sprintf("http://127.0.0.1:%d", freePort(t)), fmt.Sprintf("http://127.0.0.1:%d", freePort(t))
	log, err := os.Create(filepath.Join(cluster.Dir, "logs", "external-etcd.log"))
	if err != nil {
		t.Fatal(err)
	}
	e := &externalEtcd{endpoint: endpoint, log: log, args: []string{
		"--data-dir=" + filepath.Join(t.TempDir(), "etcd"), "--name=one",
		"--listen-client-urls=" + endpoint, "--advertise-client-urls=" + endpoint,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=one=" + peer,
	}}
	t.Cleanup(func() {
		e.kill()
		_ = log.Close()
	})
	e.start(t)
	harness.Eventually(t, "etcd listens", func(ctx context.Context) error {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", endpoint[len("http://"):])
		if err != nil {
			return err
		}
		return connection.Close()
	})
	return e
}

func (e *externalEtcd) start(t *testing.T) {
	t.Helper()
	binary, err := harness.Binary("etcd")
	if err != nil {
		t.Fatal(err)
	}
	e.command = exec.Command(binary, e.args...)
	e.command.Stdout, e.command.Stderr = e.log, e.log
	if err := e.command.Start(); err != nil {
		t.Fatal(err)
	}
}

// kill ends it as a lost node would.
func (e *externalEtcd) kill() {
	_ = e.command.Process.Kill()
	_ = e.command.Wait()
}

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// editor counts up an annotation of one DittoServer until it is stopped, and knows what was acknowledged.
type editor struct {
	s     subject
	acked int
	tries int
}

func (e *editor) run(ctx context.Context) {
	for n := 1; ctx.Err() == nil; n++ {
		e.tries++
		patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"example.com/n":"%d"}},"spec":{"service":{"annotations":{"example.com/a":"%d"}}}}`, n, n)
		_, err := cluster.Admin.DittoServers(e.s.namespace).Patch(ctx, e.s.name, types.MergePatchType, patch, metav1.PatchOptions{})
		if err == nil {
			e.acked = n
		}
	}
}

// expectKept fails the test if a write that was acknowledged is not there. One without an answer may be.
func (e *editor) expectKept(t *testing.T) {
	t.Helper()
	server := e.s.get(t)
	stored, err := strconv.Atoi(server.Annotations["example.com/n"])
	if err != nil || stored < e.acked {
		t.Errorf("%s: edit %d was acknowledged, and edit %q is stored", e.s.namespace, e.acked, server.Annotations["example.com/n"])
	}
	e.s.awaitAnnotation(t, server.Annotations["example.com/n"])
}

func TestNothingIsLostWhenAnExternalEtcdIsKilledWhileEditsGoOn(t *testing.T) {
	etcd := startEtcd(t)
	reinstall(t, "--etcd-servers="+etcd.endpoint)
	subjects := []subject{newSubject(t), newSubject(t), newSubject(t)}
	var befores []parts
	for _, s := range subjects {
		befores = append(befores, s.parts(t))
	}
	process := processOf(t, "dittofs-apiserver")

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	editors := make([]*editor, len(subjects))
	var group sync.WaitGroup
	for i, s := range subjects {
		editors[i] = &editor{s: s}
		group.Go(func() { editors[i].run(ctx) })
	}
	for range 2 {
		awaitEdits(t, subjects)
		etcd.kill()
		// Down for longer than a client notices at once.
		awaitRefusal(t)
		etcd.start(t)
		awaitServed(t)
	}
	awaitEdits(t, subjects)
	stop()
	group.Wait()
	for i, e := range editors {
		t.Logf("%d of %d edits were acknowledged", e.acked, e.tries)
		e.expectKept(t)
		e.s.awaitReady(t)
		befores[i].expectKept(t, e.s, "statefulsets/", "pods/", "secrets/", "configmaps/", "services/", "persistentvolumeclaims/")
		e.s.expectOnce(t)
	}
	within(t, 2*time.Minute, "a new server is Ready", func() { newSubject(t) })
	if now := processOf(t, "dittofs-apiserver"); now != process {
		t.Errorf("our server is process %d, was %d: it ended with its etcd", now, process)
	}
}

// awaitEdits waits until each of the DittoServers was edited anew.
func awaitEdits(t *testing.T, subjects []subject) {
	t.Helper()
	for _, s := range subjects {
		before := s.get(t).Generation
		harness.EventuallyWithin(t, patience, "edits go on", func(ctx context.Context) error {
			server, err := cluster.Admin.DittoServers(s.namespace).Get(ctx, s.name, metav1.GetOptions{})
			if err == nil && server.Generation < before+3 {
				err = fmt.Errorf("generation %d, was %d", server.Generation, before)
			}
			return err
		})
	}
}

// awaitRefusal waits until our API says that it has no store.
func awaitRefusal(t *testing.T) {
	t.Helper()
	harness.EventuallyWithin(t, patience, "writes fail", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		_, err := cluster.Admin.DittoServers("default").Create(ctx, harness.NewDittoServer("refused"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil {
			_, err = cluster.Admin.DittoServers("default").Create(ctx, harness.NewDittoServer("refused"), metav1.CreateOptions{})
		}
		if err == nil {
			return fmt.Errorf("a create is accepted")
		}
		t.Logf("without etcd a create gives: %v", err)
		return nil
	})
}
