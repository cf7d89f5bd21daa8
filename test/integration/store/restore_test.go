// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/controlplane"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// tool runs a command of our binary and returns what it prints.
func tool(t *testing.T, args ...string) (string, error) {
	t.Helper()
	binary, err := harness.Binary("dittofs-apiserver")
	if err != nil {
		t.Fatal(err)
	}
	output, err := exec.CommandContext(t.Context(), binary, args...).CombinedOutput()
	return string(output), err
}

func mustTool(t *testing.T, args ...string) string {
	t.Helper()
	output, err := tool(t, args...)
	if err != nil {
		t.Fatalf("%q gave %v: %s", args, err, output)
	}
	return output
}

// The whole of the disaster: a snapshot, writes after it, the loss of everything, and the way back of docs/operations.md.
func TestHazard14AfterTheLossOfTheStoreASnapshotBringsBackWhatWasInIt(t *testing.T) {
	forgetStore(t)
	data, snapshot := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "snapshot.db")
	server := install(t, data)
	namespace := cluster.Namespace(t)
	create(t, namespace, "files")
	if said := mustTool(t, "etcd", "snapshot", snapshot, "--data-dir="+data); !strings.Contains(said, "restores: store ") || !strings.Contains(said, ", 1 dittoservers") {
		t.Errorf("the snapshot says %q", said)
	}
	if said := mustTool(t, "etcd", "status", "--data-dir="+data); !strings.Contains(said, "true") || !strings.Contains(said, "1 dittoservers") {
		t.Errorf("the status is %q", said)
	}
	if said := mustTool(t, "etcd", "defrag", "--disarm", "--data-dir="+data); !strings.Contains(said, "now.") || !strings.Contains(said, "0 alarms") {
		t.Errorf("the defragmentation says %q", said)
	}
	if said, err := tool(t, "etcd", "restore", snapshot, "--data-dir="+data); err == nil || !strings.Contains(said, "in use") {
		t.Errorf("a restore over a store that is in use gave %v: %s", err, said)
	}
	create(t, namespace, "later")
	newest := versionOf(t, namespace, "later")
	lost := stopRecorded(t, server)
	if said, err := tool(t, "etcd", "status", "--data-dir="+data); err == nil || !strings.Contains(said, "no dittofs-apiserver has this data directory open") {
		t.Errorf("the status of a store that is stopped gave %v: %s", err, said)
	}
	if err := os.RemoveAll(data); err != nil {
		t.Fatal(err)
	}

	before := versions(t, namespace)
	mustTool(t, "etcd", "restore", snapshot, "--data-dir="+data)
	log := logOf(t, server)
	start(t, server)
	// It has another identity than the lost one, so that it is only looked at, though its revision is higher.
	expectMetric(t, server, "dittofs_store_observe_only 1")
	expectObserving(t, namespace, "files")
	expectExpired(t, namespace, newest)
	awaitLog(t, log, "runs without its DittoServer", "later")
	if now := mustRemember(t); now != lost {
		t.Errorf("the host remembers %+v, before it was %+v", now, lost)
	}
	expectUntouched(t, namespace, before)

	stop(t, server)
	server = install(t, data, "--accept-store")
	awaitReady(t, namespace, "files")
	if now := mustRemember(t); now.id == lost.id || now.revision < lost.revision {
		t.Errorf("the host remembers %+v, before it was %+v", now, lost)
	}
	harness.Eventually(t, "an event says what runs without its DittoServer", func(ctx context.Context) error {
		events, err := cluster.Admin.Kube.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, event := range events.Items {
			if event.Reason == "DittoServerMissing" && event.InvolvedObject.Name == "later" {
				return nil
			}
		}
		return errors.New("there is none")
	})
	// Those of the namespaces of other tests are among them: each test has a store of its own.
	orphans := awaitOrphans(t, server)
	if !slices.Contains(orphans, namespace+"/later") {
		t.Errorf("the orphans are %v", orphans)
	}
	if _, err := cluster.Admin.DittoServers(namespace).Get(t.Context(), "later", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("what came after the snapshot is there: %v", err)
	}
	expectUntouched(t, namespace, before)

	create(t, namespace, "later") // as its manifest is applied again
	awaitReady(t, namespace, "later")
	after := versions(t, namespace)
	for name, version := range before {
		if strings.HasPrefix(name, "pods/") || strings.HasPrefix(name, "persistentvolumeclaims/") {
			if after[name] != version {
				t.Errorf("%s was %s and is %s", name, version, after[name])
			}
		}
	}
	if orphans := awaitOrphans(t, server); slices.Contains(orphans, namespace+"/later") {
		t.Errorf("the orphans are %v", orphans)
	}
}

// awaitOrphans waits until the metric counts the StatefulSets without their DittoServer, and returns those.
func awaitOrphans(t *testing.T, server *controlplane.DittoFS) (orphans []string) {
	t.Helper()
	harness.Eventually(t, "all orphans are counted", func(ctx context.Context) error {
		servers, err := cluster.Admin.DittoServers(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for _, s := range servers.Items {
			known[s.Namespace+"/"+s.Name] = true
		}
		sets, err := cluster.Admin.Kube.AppsV1().StatefulSets(metav1.NamespaceAll).List(ctx, metav1.ListOptions{LabelSelector: dittofsv1alpha1.LabelServer})
		if err != nil {
			return err
		}
		orphans = nil
		for _, set := range sets.Items {
			if name := set.Namespace + "/" + set.Labels[dittofsv1alpha1.LabelServer]; set.DeletionTimestamp == nil && !known[name] {
				orphans = append(orphans, name)
			}
		}
		if now := metricOf(t, server, "dittofs_orphaned_servers"); now != len(orphans) {
			return fmt.Errorf("%d are counted, and there are %v", now, orphans)
		}
		return nil
	})
	return orphans
}

func versionOf(t *testing.T, namespace, name string) string {
	t.Helper()
	object, err := cluster.Admin.DittoServers(namespace).Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return object.ResourceVersion
}

// expectExpired resumes a watch of the lost store. An answer without events would leave whoever watches blind for ever.
func expectExpired(t *testing.T, namespace, version string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	watcher, err := cluster.Admin.DittoServers(namespace).Watch(ctx, metav1.ListOptions{ResourceVersion: version})
	if err == nil {
		defer watcher.Stop()
		event, open := <-watcher.ResultChan()
		err = apierrors.FromObject(event.Object)
		if !open {
			err = errors.New("the watch has ended without a word")
		}
	}
	if !apierrors.IsResourceExpired(err) {
		t.Errorf("a watch from version %s of the lost store gave %v, want 410", version, err)
	}
}

func TestASnapshotIsForThoseWithTheRightOnly(t *testing.T) {
	forgetStore(t)
	server := install(t, filepath.Join(t.TempDir(), "data"))
	namespace := cluster.Namespace(t)
	create(t, namespace, "files")
	user := cluster.User(t, "backup-"+namespace)
	get := func(ctx context.Context, config *rest.Config) error {
		direct := rest.CopyConfig(server.DirectConfig())
		direct.TLSClientConfig.CertData, direct.TLSClientConfig.KeyData = config.CertData, config.KeyData
		direct.TLSClientConfig.CertFile, direct.TLSClientConfig.KeyFile = config.CertFile, config.KeyFile
		direct.BearerToken, direct.BearerTokenFile = config.BearerToken, config.BearerTokenFile
		client, err := kubernetes.NewForConfig(direct)
		if err != nil {
			return err
		}
		content, err := client.RESTClient().Get().AbsPath("/etcd/snapshot").DoRaw(ctx)
		if err == nil && len(content)%512 != 32 {
			err = fmt.Errorf("%d bytes are no snapshot", len(content))
		}
		return err
	}
	if err := get(t.Context(), user.Config); !apierrors.IsForbidden(err) {
		t.Errorf("without the right it gave %v", err)
	}
	if err := get(t.Context(), &rest.Config{}); !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err) {
		t.Errorf("to nobody in particular it gave %v", err)
	}
	binding, err := cluster.Admin.Kube.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "dittofs-snapshot"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: user.Name}},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Admin.Kube.RbacV1().ClusterRoleBindings().Delete(context.WithoutCancel(t.Context()), binding.Name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	harness.Eventually(t, "the right is known", func(ctx context.Context) error { return get(ctx, user.Config) })
}
