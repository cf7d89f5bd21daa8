// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

func TestAnExternalEtcdWithClientCertificatesHoldsTheObjects(t *testing.T) {
	forgetStore(t)
	pki := newPKI(t)
	endpoint := startEtcd(t, pki)
	data := filepath.Join(t.TempDir(), "data")
	server := install(t, data, "--etcd-servers="+endpoint,
		"--etcd-cafile="+pki.path("ca.crt"), "--etcd-certfile="+pki.path("client.crt"), "--etcd-keyfile="+pki.path("client.key"))
	namespace := cluster.Namespace(t)
	create(t, namespace, "files")
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("a data directory was made all the same: %v", err)
	}

	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, TLS: pki.clientTLS(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	key := "/registry/dittofs.io/dittoservers/" + namespace + "/files"
	response, err := client.Get(t.Context(), key, clientv3.WithCountOnly())
	if err != nil || response.Count != 1 {
		t.Errorf("etcd has %d keys %s (%v), want 1", response.Count, key, err)
	}

	before := versions(t, namespace)
	server.Kill()
	start(t, server)
	create(t, namespace, "another")
	after := versions(t, namespace)
	for name, version := range before {
		if after[name] != version {
			t.Errorf("%s had %s and has %q", name, version, after[name])
		}
	}
}

// startEtcd runs an etcd that talks to nobody without a certificate, until the test ends.
func startEtcd(t *testing.T, pki *pki) (endpoint string) {
	t.Helper()
	etcd := cluster.StartEtcd(t, "https", "--client-cert-auth", "--trusted-ca-file="+pki.path("ca.crt"),
		"--cert-file="+pki.path("server.crt"), "--key-file="+pki.path("server.key"))
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{etcd.Endpoint}, TLS: pki.clientTLS(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	harness.Eventually(t, "etcd answers", func(ctx context.Context) error {
		_, err := client.Get(ctx, "/", clientv3.WithCountOnly())
		return err
	})
	return etcd.Endpoint
}
