// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// A volume that was restored from a snapshot without anybody saying so: what it holds was true once.
func TestAnOlderStoreIsOnlyLookedAtUntilSomebodyAcceptsIt(t *testing.T) {
	forgetStore(t)
	data, aside := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "aside")
	server := install(t, data)
	namespace := cluster.Namespace(t)
	create(t, namespace, "files")
	if err := annotateService(t.Context(), namespace, "files", "old"); err != nil {
		t.Fatal(err)
	}
	awaitServiceAnnotation(t, namespace, "files", "old")
	awaitReady(t, namespace, "files")
	old := stopRecorded(t, server)
	if err := os.CopyFS(aside, os.DirFS(data)); err != nil {
		t.Fatal(err)
	}
	start(t, server)
	if err := annotateService(t.Context(), namespace, "files", "new"); err != nil {
		t.Fatal(err)
	}
	awaitServiceAnnotation(t, namespace, "files", "new")
	create(t, namespace, "second")
	newest := stopRecorded(t, server)
	if newest.revision <= old.revision {
		t.Fatalf("the host remembers %+v after %+v", newest, old)
	}
	putBack(t, data, aside)

	before, log := versions(t, namespace), logOf(t, server)
	start(t, server)
	expectObserving(t, namespace, "files")
	expectMetric(t, server, "dittofs_store_observe_only 1")
	if _, err := cluster.Admin.DittoServers(namespace).Get(t.Context(), "second", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the store is not the old one: %v", err)
	}
	awaitLog(t, log, "this is what would be done", "files", "change Service files-api")
	// Not even what is missing is made.
	cluster.Admin.Kubectl(namespace).Run(t, "delete", "configmap", "files-config")
	delete(before, "configmaps/files-config")
	awaitLog(t, log, "this is what would be done", "files", "create ConfigMap files-config")
	expectUntouched(t, namespace, before)
	if now := mustRemember(t); now != newest {
		t.Errorf("the host remembers %+v, before it was %+v", now, newest)
	}

	stop(t, server)
	server = install(t, data, "--accept-store")
	awaitServiceAnnotation(t, namespace, "files", "old")
	awaitReady(t, namespace, "files")
	if err := annotateService(t.Context(), namespace, "files", "accepted"); err != nil {
		t.Error(err)
	}
	awaitServiceAnnotation(t, namespace, "files", "accepted")
	expectMetric(t, server, "dittofs_store_observe_only 0")
	if n := len(replacedEvents(t)); n != 0 {
		t.Errorf("%d events say StoreReplaced of a store that is not empty", n)
	}

	// Accepted once is accepted: the flag need not stay.
	stop(t, server)
	server = install(t, data)
	expectMetric(t, server, "dittofs_store_observe_only 0")
	create(t, namespace, "third")
}

func putBack(t *testing.T, data, aside string) {
	t.Helper()
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(data, os.DirFS(aside)); err != nil {
		t.Fatal(err)
	}
	// etcd and our server want the directory for themselves.
	err := filepath.WalkDir(data, func(path string, entry os.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			err = os.Chmod(path, 0o700)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// expectObserving holds a server to what it does with a store that it must not carry out.
func expectObserving(t *testing.T, namespace, name string) {
	t.Helper()
	servers := cluster.Admin.DittoServers(namespace)
	list, err := servers.List(t.Context(), metav1.ListOptions{})
	if err != nil || len(list.Items) == 0 {
		t.Fatalf("a list has %d items, %v", len(list.Items), err)
	}
	watch, err := servers.Watch(t.Context(), metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		t.Fatal(err)
	}
	if event, ok := <-watch.ResultChan(); !ok || event.Type != "ADDED" {
		t.Errorf("a watch begins with %+v", event)
	}
	watch.Stop()
	cluster.Admin.Kubectl(namespace).Run(t, "get", "dittoserver", name, "-o=wide")
	expectWritesRefused(t, namespace, name)
}

// The namespace controller sends a delete of all objects to every API for every namespace that goes. If that is refused,
// no namespace of the cluster can be deleted while somebody makes up their mind about the store.
func TestNamespacesWithoutServersAreDeletedWhileTheServerOnlyObserves(t *testing.T) {
	forgetStore(t)
	server := install(t, filepath.Join(t.TempDir(), "data"))
	holding, empty := cluster.Namespace(t), cluster.Namespace(t)
	create(t, holding, "files")
	stop(t, server)
	forgetStore(t)
	other := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "dittofs-store"}, Data: map[string]string{"id": "another", "revision": "1"}}
	if _, err := cluster.Admin.Kube.CoreV1().ConfigMaps(ourNamespace).Create(t.Context(), other, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	start(t, server)
	expectMetric(t, server, "dittofs_store_observe_only 1")
	namespaces := cluster.Admin.Kube.CoreV1().Namespaces()
	if err := namespaces.Delete(t.Context(), empty, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the namespace is gone", func(ctx context.Context) error {
		namespace, err := namespaces.Get(ctx, empty, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("it is still there: %+v", namespace.Status.Conditions)
		}
		return err
	})
}
