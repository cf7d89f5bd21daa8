// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package upgrade_test starts today's server over what an older build has left: its store, and the host cluster with everything
// that it had made, as recorded in testdata. Every DittoServer is served and reconciled, and no pod notices.
//
// `make record-release` adds a recording of the build in .local/bin; testdata/README.md says how the others were made.
package upgrade_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
	"github.com/dittofs/dittofs-apiserver/test/standin/certs"
)

var (
	record = flag.String("record", "", "name of a recording to make, such as v0.1.0, instead of testing")
	// recording is what the way back begins with.
	recording = flag.String("recording", "testdata/2026-11-24", "the recording of the build in -server, for the way back")
	binary    = flag.String("server", "", "another build of dittofs-apiserver, for -record and for the way back")
	samples   = flag.String("samples", "../../../artifacts/samples", "the samples of that build, for -record")
)

const (
	// namespace has every server of a recording.
	namespace = "recorded"
	// servedAs are the objects as the API of the recorded build served them.
	servedAs = "servers.yaml"
)

// secrets are those that samples tell users to make, with their keys.
var secrets = map[string][]string{
	"projects-jwt": {"signing-key"}, "projects-admin": {"password"},
	"media-postgres": {"host", "port", "database", "user", "password", "sslmode"}, "media-scrape": {"token"},
	"catalog-backup": {"s3.conf"}, "campus-bind": {"password"},
	"studio-kerberos": {"service.keytab", "krb5.conf"}, "studio-machine": {"password"},
}

// contents are of keys in which not everything does.
var contents = map[string]string{"host": "postgres.example.com", "port": "5432", "database": "media", "user": "media", "sslmode": "require"}

// TestRecordTheRelease is no test: it makes the recording that later ones are tested with.
func TestRecordTheRelease(t *testing.T) {
	if *record == "" {
		t.Skip("no -record")
	}
	cluster := start(t, harness.Options{Name: "record", StandIn: true, KeptDatabases: true, ServerBinary: *binary})
	cluster.InstallPercona(t)
	cluster.PerconaOperator(t, namespace)
	makeSecrets(t, cluster)
	kubectl := cluster.Admin.Kubectl(namespace)
	files, err := filepath.Glob(filepath.Join(*samples, "dittoserver*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples in %s (%v)", *samples, err)
	}
	kubectl.Run(t, "apply", "-f", filepath.Join("testdata", "servers.yaml"))
	for _, file := range files {
		// The Percona operator is noticed a moment after its kind is there.
		harness.EventuallyWithin(t, time.Minute, "apply "+file, func(context.Context) error {
			if out := kubectl.Try(t, "apply", "-f", file); out.ExitCode != 0 {
				return errors.New(out.Stderr)
			}
			return nil
		})
	}
	all := list(t, cluster)
	for _, server := range all {
		subject := cluster.Subject(namespace, server.Name)
		harness.Eventually(t, server.Name+" has its StatefulSet", func(ctx context.Context) error {
			_, err := cluster.Admin.Kube.AppsV1().StatefulSets(namespace).Get(ctx, subject.Name, metav1.GetOptions{})
			return err
		})
		if slices.Contains([]string{"files", "tuned", "held", "paused", "grown", "ledger", "projects", "catalog", "campus", "media", "studio"}, server.Name) {
			subject.AwaitReady(t)
		}
	}
	// What a life has behind it.
	change := func(name, patch string) { t.Helper(); cluster.Subject(namespace, name).Patch(t, patch) }
	change("held", `{"spec":{"logging":{"level":"DEBUG"}}}`)
	cluster.Subject(namespace, "held").AwaitCondition(t, dittofsv1alpha1.ConditionProgressing, metav1.ConditionFalse, "RolloutPending")
	change("paused", `{"spec":{"paused":true}}`)
	change("grown", `{"spec":{"storage":{"metadataSize":"3Gi"}}}`)
	cluster.Subject(namespace, "grown").AwaitReady(t)
	settle(t, cluster)

	dir := filepath.Join("testdata", *record)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	all = list(t, cluster)
	if err := cluster.Server.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := cluster.Record(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	for i := range all {
		all[i].ManagedFields = nil // they are in the store
	}
	text, err := yaml.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, servedAs), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// start starts a cluster of the test's own.
func start(t *testing.T, options harness.Options) *harness.Cluster {
	t.Helper()
	cluster, err := harness.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Plane.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("logs: %s", filepath.Join(cluster.Dir, "logs"))
		}
	})
	return cluster
}

func makeSecrets(t *testing.T, cluster *harness.Cluster) {
	t.Helper()
	object := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := cluster.Admin.Kube.CoreV1().Namespaces().Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]string{}
	for name, keys := range secrets {
		all[name] = map[string]string{}
		for _, key := range keys {
			all[name][key] = contents[key]
			if all[name][key] == "" {
				all[name][key] = strings.Repeat("x", 48)
			}
		}
	}
	own, callers := certs.NewAuthority(t), certs.NewAuthority(t)
	all["ledger-api"] = own.Leaf(nil, "ledger-api."+namespace+".svc")
	all["ledger-callers"] = map[string]string{certs.CAKey: callers.PEM}
	all["ledger-controller"] = callers.Leaf(nil, "controller")
	directory := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "campus-ca"}, Data: map[string]string{"ca.pem": own.PEM}}
	if _, err := cluster.Admin.Kube.CoreV1().ConfigMaps(namespace).Create(t.Context(), directory, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	subject := cluster.Subject(namespace, "")
	for name, data := range all {
		subject.PutSecret(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: name}, StringData: data})
	}
}

// list is what the API serves, as any client would read it.
func list(t *testing.T, cluster *harness.Cluster) []dittofsv1alpha1.DittoServer {
	t.Helper()
	found, err := cluster.Admin.DittoServers(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return found.Items
}

// quiet is longer than what our controllers leave between two looks at a server that has not settled.
const quiet = 12 * time.Second

// settle waits until nothing of ours changes anything any more.
func settle(t *testing.T, cluster *harness.Cluster) {
	t.Helper()
	last, since := "", time.Now()
	harness.EventuallyWithin(t, 3*harness.PatienceLimit, "the servers settle", func(ctx context.Context) error {
		now, err := everything(ctx, cluster)
		if err != nil {
			return err
		}
		if now != last {
			last, since = now, time.Now()
		}
		if time.Since(since) < quiet {
			return errors.New("something has changed")
		}
		return nil
	})
}

// everything is a text that changes with any write to an object of a server.
func everything(ctx context.Context, cluster *harness.Cluster) (string, error) {
	var out strings.Builder
	servers, err := cluster.Admin.DittoServers(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	for _, server := range servers.Items {
		parts, err := cluster.Subject(namespace, server.Name).FindParts(ctx)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(&out, server.Name, server.Generation, harness.DescribeConditions(server.Status.Conditions))
		for _, name := range parts.Names() {
			fmt.Fprintln(&out, name, parts[name].UID, parts[name].Generation)
		}
	}
	return out.String(), nil
}

// recorded are the objects as the older build served them.
func recorded(t *testing.T, dir string) []dittofsv1alpha1.DittoServer {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, servedAs))
	if err != nil {
		t.Fatal(err)
	}
	var servers []dittofsv1alpha1.DittoServer
	if err := yaml.Unmarshal(text, &servers); err != nil {
		t.Fatal(err)
	}
	return servers
}

func asMap(t *testing.T, value any) map[string]any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func annotate(t *testing.T, cluster *harness.Cluster, name, key, value string) {
	t.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, key, value)
	if _, err := cluster.Admin.DittoServers(namespace).Patch(t.Context(), name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
}
