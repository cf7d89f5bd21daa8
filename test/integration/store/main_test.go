// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package store_test holds our server to its rule about stores: it carries out what the store holds only if the host
// cluster knows the store and has not seen it at a later time.
// In: a control plane, and data directories that are wiped, put back and exchanged. Out: proof of what is served and
// what is left alone. Each test begins on a host that knows no store.
package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/bench/measure"
	"github.com/dittofs/dittofs-apiserver/test/controlplane"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

const ourNamespace = "dittofs-system"

var (
	cluster *harness.Cluster
	standIn *controlplane.StandIn
)

func TestMain(m *testing.M) { harness.Run(m, harness.Options{WithoutServer: true}, &cluster) }

// install starts our server over a data directory, with flags of the test, until the test ends.
func install(t *testing.T, dataDir string, args ...string) *controlplane.DittoFS {
	t.Helper()
	root, err := harness.RepoDir()
	if err != nil {
		t.Fatal(err)
	}
	if standIn == nil {
		if standIn, err = cluster.Plane.StartStandIn(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	server, err := cluster.Plane.InstallDittoFS(t.Context(), controlplane.DittoFSOptions{
		RepoDir: root, DataDir: dataDir, GenerateCredentials: true, DFSURLTemplate: standIn.URLTemplate,
		// The interval is 30 s by default; what is tested is the order of things.
		ExtraArgs: append([]string{"--store-record-interval=2s"}, args...),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	cluster.AwaitServed(t)
	return server
}

func stop(t *testing.T, server *controlplane.DittoFS) {
	t.Helper()
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, server *controlplane.DittoFS) {
	t.Helper()
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	cluster.AwaitServed(t)
}

// identity is what the host remembers of the store.
type identity struct {
	id       string
	revision int64
}

func remembered(ctx context.Context) (identity, error) {
	configMap, err := cluster.Admin.Kube.CoreV1().ConfigMaps(ourNamespace).Get(ctx, "dittofs-store", metav1.GetOptions{})
	if err != nil {
		return identity{}, err
	}
	revision, err := strconv.ParseInt(configMap.Data["revision"], 10, 64)
	return identity{configMap.Data["id"], revision}, err
}

func mustRemember(t *testing.T) identity {
	t.Helper()
	known, err := remembered(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// stopRecorded stops the server once the host has seen the store as it is, at the revision of its newest object or
// later, and returns what the host remembers from then on.
func stopRecorded(t *testing.T, server *controlplane.DittoFS) identity {
	t.Helper()
	harness.Eventually(t, "the host has seen the newest object of the store", func(ctx context.Context) error {
		servers, err := cluster.Admin.DittoServers(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		known, err := remembered(ctx)
		if err != nil {
			return err
		}
		for _, server := range servers.Items {
			// The version of an object is the revision of the store at which it was written.
			version, err := strconv.ParseInt(server.ResourceVersion, 10, 64)
			if err != nil {
				return err
			}
			if version > known.revision {
				return fmt.Errorf("it remembers %+v, %s is of revision %d", known, server.Name, version)
			}
		}
		return nil
	})
	stop(t, server)
	return mustRemember(t)
}

// forgetStore makes the host one that has never seen a store, and that has no events about one.
func forgetStore(t *testing.T) {
	t.Helper()
	err := cluster.Admin.Kube.CoreV1().ConfigMaps(ourNamespace).Delete(t.Context(), "dittofs-store", metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	err = cluster.Admin.Kube.CoreV1().Events(ourNamespace).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
}

func replacedEvents(t *testing.T) (found []corev1.Event) {
	t.Helper()
	list, err := cluster.Admin.Kube.CoreV1().Events(ourNamespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range list.Items {
		if event.Reason == "StoreReplaced" {
			found = append(found, event)
		}
	}
	return found
}

// metricsOf reads the metrics of the server itself.
func metricsOf(t *testing.T, server *controlplane.DittoFS) string {
	t.Helper()
	text, err := measure.Scrape(t.Context(), server.DirectConfig())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func expectMetric(t *testing.T, server *controlplane.DittoFS, line string) {
	t.Helper()
	if !strings.Contains(metricsOf(t, server), "\n"+line+"\n") {
		t.Errorf("the metrics do not say %q", line)
	}
}

// metricOf is the value of a metric without labels.
func metricOf(t *testing.T, server *controlplane.DittoFS, name string) int {
	t.Helper()
	_, rest, _ := strings.Cut(metricsOf(t, server), "\n"+name+" ")
	value, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.Atoi(value)
	if err != nil {
		t.Fatalf("the metric %s: %v", name, err)
	}
	return n
}

// logOf returns a reader of what the server logs from now on.
func logOf(t *testing.T, server *controlplane.DittoFS) func() (string, error) {
	t.Helper()
	info, err := os.Stat(server.LogPath)
	if err != nil {
		t.Fatal(err)
	}
	return func() (string, error) {
		data, err := os.ReadFile(server.LogPath)
		if err != nil {
			return "", err
		}
		if int64(len(data)) < info.Size() {
			return "", errors.New("the log has become shorter")
		}
		return string(data[info.Size():]), nil
	}
}

func awaitLog(t *testing.T, read func() (string, error), words ...string) {
	t.Helper()
	harness.Eventually(t, fmt.Sprintf("one line of the log says %q", words), func(context.Context) error {
		text, err := read()
		if err != nil {
			return err
		}
		for line := range strings.Lines(text) {
			all := true
			for _, word := range words {
				all = all && strings.Contains(line, word)
			}
			if all {
				return nil
			}
		}
		return errors.New("no such line")
	})
}
