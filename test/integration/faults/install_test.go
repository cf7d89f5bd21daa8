// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package faults_test

import (
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
	"github.com/dittofs/dittofs-apiserver/test/controlplane/faultproxy"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// reinstall runs our server with other flags, as one that the host does not know yet, and the usual one again after the
// test.
func reinstall(t *testing.T, args ...string) {
	t.Helper()
	usual := cluster.Server
	if err := usual.Stop(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		forgetStore(t)
		// Registered anew: the APIService leads to the server that was installed last.
		cluster.Server = installed(t, cluster.Proxy, "", usual.DataDir, "--accept-store")
		cluster.AwaitServed(t)
	})
	forgetStore(t)
	cluster.Server = another(t, cluster.Proxy, "", args...)
	cluster.AwaitServed(t)
}

// another starts a server for the time of the test.
func another(t *testing.T, proxy *faultproxy.Proxy, name string, args ...string) *controlplane.DittoFS {
	t.Helper()
	server := installed(t, proxy, name, "", args...)
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// installed starts a server by way of a proxy.
func installed(t *testing.T, proxy *faultproxy.Proxy, name, dataDir string, args ...string) *controlplane.DittoFS {
	t.Helper()
	root, err := harness.RepoDir()
	if err != nil {
		t.Fatal(err)
	}
	server, err := cluster.Plane.InstallDittoFS(harness.CleanupContext(t), controlplane.DittoFSOptions{
		RepoDir: root, Name: name, DataDir: dataDir, GenerateCredentials: true, DFSURLTemplate: cluster.StandIn.URLTemplate,
		Host: &controlplane.HostProxy{URL: proxy.URL, CA: proxy.CA}, ExtraArgs: args,
	})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// forgetStore makes the host one that has never seen a store.
func forgetStore(t *testing.T) {
	t.Helper()
	err := cluster.Admin.Kube.CoreV1().ConfigMaps(controlplane.DittoFSNamespace).Delete(harness.CleanupContext(t), "dittofs-store", metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
}
