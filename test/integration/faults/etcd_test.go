// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

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
		_, err := cluster.Admin.DittoServers(e.s.Namespace).Patch(ctx, e.s.Name, types.MergePatchType, patch, metav1.PatchOptions{})
		if err == nil {
			e.acked = n
		}
	}
}

// expectKept fails the test if a write that was acknowledged is not there. One without an answer may be.
func (e *editor) expectKept(t *testing.T) {
	t.Helper()
	server := e.s.Get(t)
	stored, err := strconv.Atoi(server.Annotations["example.com/n"])
	if err != nil || stored < e.acked {
		t.Errorf("%s: edit %d was acknowledged, and edit %q is stored", e.s.Namespace, e.acked, server.Annotations["example.com/n"])
	}
	e.s.awaitAnnotation(t, server.Annotations["example.com/n"])
}

func TestNothingIsLostWhenAnExternalEtcdIsKilledWhileEditsGoOn(t *testing.T) {
	etcd := cluster.StartEtcd(t, "http")
	reinstall(t, "--etcd-servers="+etcd.Endpoint)
	subjects := []subject{newSubject(t), newSubject(t), newSubject(t)}
	var befores []harness.Parts
	for _, s := range subjects {
		befores = append(befores, s.Parts(t))
	}
	process := cluster.ProcessOf(t, "dittofs-apiserver")

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
		etcd.Kill()
		// Down for longer than a client notices at once.
		awaitRefusal(t)
		etcd.Start(t)
		cluster.AwaitServed(t)
	}
	awaitEdits(t, subjects)
	stop()
	group.Wait()
	for i, e := range editors {
		t.Logf("%d of %d edits were acknowledged", e.acked, e.tries)
		e.expectKept(t)
		e.s.AwaitReady(t)
		befores[i].ExpectKept(t, e.s.Subject, "statefulsets/", "pods/", "secrets/", "configmaps/", "services/", "persistentvolumeclaims/")
		e.s.expectOnce(t)
	}
	within(t, 2*time.Minute, "a new server is Ready", func() { newSubject(t) })
	if now := cluster.ProcessOf(t, "dittofs-apiserver"); now != process {
		t.Errorf("our server is process %d, was %d: it ended with its etcd", now, process)
	}
}

// awaitEdits waits until each of the DittoServers was edited anew.
func awaitEdits(t *testing.T, subjects []subject) {
	t.Helper()
	for _, s := range subjects {
		before := s.Get(t).Generation
		harness.Eventually(t, "edits go on", func(ctx context.Context) error {
			server, err := cluster.Admin.DittoServers(s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
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
	harness.Eventually(t, "writes fail", func(ctx context.Context) error {
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

// kube-apiserver and its controllers ask every group for its discovery. One that hangs slows all of them.
func TestHazard24DiscoveryIsAnsweredAtOnceWithoutEtcd(t *testing.T) {
	etcd := cluster.StartEtcd(t, "http")
	reinstall(t, "--etcd-servers="+etcd.Endpoint)
	etcd.Kill()
	awaitRefusal(t)
	direct, err := rest.HTTPClientFor(cluster.Server.DirectConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/apis", "/apis/dittofs.io", "/apis/dittofs.io/v1alpha1", "/openapi/v3", "/openapi/v2"} {
		// The aggregator waits 5 s for an answer.
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, cluster.Server.DirectConfig().Host+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := direct.Do(request)
		if err != nil {
			t.Errorf("%s without etcd: %v", path, err)
		} else {
			if response.StatusCode != http.StatusOK {
				t.Errorf("%s without etcd: %s", path, response.Status)
			}
			_ = response.Body.Close()
		}
		cancel()
	}
}
