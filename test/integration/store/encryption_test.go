// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"k8s.io/client-go/kubernetes"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// encryption writes a configuration whose first key encrypts and whose others only decrypt; the last resort is plain text.
func encryption(t *testing.T, keys ...string) (flag string) {
	t.Helper()
	var b strings.Builder
	b.WriteString("apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n" +
		"- resources: [dittoservers.dittofs.io, dittoserverclasses.dittofs.io]\n  providers:\n  - secretbox:\n      keys:\n")
	for _, key := range keys {
		fmt.Fprintf(&b, "      - {name: %s, secret: %s}\n", key, base64.StdEncoding.EncodeToString([]byte(strings.Repeat(key, 32)[:32])))
	}
	b.WriteString("  - identity: {}\n")
	path := filepath.Join(t.TempDir(), "encryption.yaml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return "--encryption-provider-config=" + path
}

// stored is the value of a DittoServer as etcd has it.
func stored(t *testing.T, server *controlplane.DittoFS, namespace, name string) string {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{"unix://" + filepath.Join(server.DataDir, "sockets", "client")}, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	found, err := client.Get(t.Context(), "/registry/dittofs.io/dittoservers/"+namespace+"/"+name)
	if err != nil || len(found.Kvs) != 1 {
		t.Fatalf("etcd has %v: %v", found, err)
	}
	return string(found.Kvs[0].Value)
}

func expectStored(t *testing.T, server *controlplane.DittoFS, namespace, name, prefix string) {
	t.Helper()
	value := stored(t, server, namespace, name)
	if !strings.HasPrefix(value, prefix) || strings.HasPrefix(prefix, "k8s:enc:") == strings.Contains(value, "metadataSize") {
		t.Errorf("%s is stored as %.60q, want %s...", name, value, prefix)
	}
}

// rewrite is what docs/operations.md says: every object is written as it is, and so with the first key.
func rewrite(t *testing.T, namespace string) {
	t.Helper()
	kubectl := cluster.Admin.Kubectl(namespace)
	kubectl.Stdin(kubectl.Run(t, "get", "dittoservers.dittofs.io", "-o", "yaml")).Run(t, "replace", "-f", "-")
}

func TestTheStoreIsEncryptedItsKeysAreRotatedAndASnapshotOfItComesBack(t *testing.T) {
	forgetStore(t)
	data, snapshot := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "snapshot.db")
	server := install(t, data)
	namespace := cluster.Namespace(t)
	create(t, namespace, "old")
	expectStored(t, server, namespace, "old", "{")

	stop(t, server)
	server = install(t, data, encryption(t, "one"), "--encryption-provider-config-automatic-reload")
	awaitReady(t, namespace, "old")
	create(t, namespace, "new")
	expectStored(t, server, namespace, "new", "k8s:enc:secretbox:v1:one:")
	if checks := readyz(t, server); !strings.Contains(checks, "[+]kms-providers ok") {
		t.Errorf("the checks of readiness are\n%s", checks)
	}
	before := versions(t, namespace)
	rewrite(t, namespace)
	expectStored(t, server, namespace, "old", "k8s:enc:secretbox:v1:one:")
	expectUntouched(t, namespace, before)

	stop(t, server)
	server = install(t, data, encryption(t, "two", "one"))
	awaitReady(t, namespace, "new")
	expectStored(t, server, namespace, "new", "k8s:enc:secretbox:v1:one:")
	rewrite(t, namespace)
	for _, name := range []string{"old", "new"} {
		expectStored(t, server, namespace, name, "k8s:enc:secretbox:v1:two:")
	}

	// The old key is not needed any more, not even for a snapshot, which needs no key at all to be verified.
	stop(t, server)
	server = install(t, data, encryption(t, "two"))
	if said := mustTool(t, "etcd", "snapshot", snapshot, "--data-dir="+data); !strings.Contains(said, ", 2 dittoservers") {
		t.Errorf("the snapshot says %q", said)
	}
	if content, err := os.ReadFile(snapshot); err != nil || strings.Count(string(content), "metadataSize") > 0 && strings.Contains(string(content), `"name":"new"`) {
		t.Errorf("an object that was never plain is in the snapshot in plain text: %v", err)
	}
	stopRecorded(t, server)
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}
	mustTool(t, "etcd", "restore", snapshot, "--data-dir="+data)
	server = install(t, data, encryption(t, "two"), "--accept-store")
	for _, name := range []string{"old", "new"} {
		awaitReady(t, namespace, name)
		expectStored(t, server, namespace, name, "k8s:enc:secretbox:v1:two:")
	}
	expectUntouched(t, namespace, before)
}

func readyz(t *testing.T, server *controlplane.DittoFS) string {
	t.Helper()
	var text string
	harness.Eventually(t, "readyz answers", func(ctx context.Context) error {
		client, err := kubernetes.NewForConfig(server.DirectConfig())
		if err != nil {
			return err
		}
		body, err := client.Discovery().RESTClient().Get().RequestURI("/readyz?verbose").DoRaw(ctx)
		text = string(body)
		return err
	})
	return text
}
