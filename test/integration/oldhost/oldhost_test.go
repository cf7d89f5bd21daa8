// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package oldhost_test runs our server, controllers included, on a cluster that behaves like Kubernetes 1.34, which
// does not serve everything that the library of our server watches by default.
package oldhost_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) {
	harness.Run(m, harness.Options{EmulatedVersion: "1.34", WithoutControllers: true}, &cluster)
}

func TestTheHostIsAsOldAsThisTestNeedsIt(t *testing.T) {
	client, err := discovery.NewDiscoveryClientForConfig(cluster.Admin.Config)
	if err != nil {
		t.Fatal(err)
	}
	resources, err := client.ServerResourcesForGroupVersion("admissionregistration.k8s.io/v1")
	if err != nil {
		t.Fatal(err)
	}
	for _, resource := range resources.APIResources {
		if resource.Name == "mutatingadmissionpolicies" {
			t.Error("the host serves mutatingadmissionpolicies")
		}
	}
}

func TestServersAreCreatedChangedAndDeletedOnAnOldHost(t *testing.T) {
	namespace := cluster.Namespace(t)
	client := cluster.Admin.DittoServers(namespace)
	cluster.CreateDittoServer(t, namespace, "files")
	_, err := client.Patch(t.Context(), "files", types.MergePatchType, []byte(`{"spec":{"logging":{"level":"DEBUG"}}}`), metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the controllers make a StatefulSet of it", func(ctx context.Context) error {
		_, err := cluster.Admin.Kube.AppsV1().StatefulSets(namespace).Get(ctx, "files", metav1.GetOptions{})
		return err
	})
	if err := client.Delete(t.Context(), "files", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the server is gone", func(ctx context.Context) error {
		if _, err := client.Get(ctx, "files", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return errors.Join(errors.New("still there"), err)
		}
		return nil
	})
}

func TestThePluginThatTheHostCannotFeedIsLeftOut(t *testing.T) {
	log, err := os.ReadFile(cluster.Server.LogPath)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "does not serve MutatingAdmissionPolicy, the admission plugin is left out") {
		t.Error("the log does not say that the plugin is left out")
	}
	for _, event := range cluster.Requests(t, harness.ServerUser) {
		if strings.Contains(event.RequestURI, "mutatingadmissionpolic") {
			t.Errorf("%s %s", event.Verb, event.RequestURI)
		}
		if event.ResponseStatus != nil && event.ResponseStatus.Code == 403 {
			t.Errorf("%s %s is forbidden", event.Verb, event.RequestURI)
		}
	}
	// The others still apply.
	namespace := cluster.Namespace(t)
	if err := cluster.Admin.Kube.CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "creates in a namespace that goes are refused", func(ctx context.Context) error {
		_, err := cluster.Admin.DittoServers(namespace).Create(ctx, harness.NewDittoServer("files"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if !apierrors.IsForbidden(err) || !apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
			return errors.Join(errors.New("not refused"), err)
		}
		return nil
	})
}

func TestThePluginByNameIsRefusedOnAnOldHost(t *testing.T) {
	flags := append(harness.ServerFlags(t, cluster.Admin.Kubeconfig), "--enable-admission-plugins=MutatingAdmissionPolicy")
	out := harness.RunServer(t, time.Minute, flags...)
	if out.ExitCode == 0 {
		t.Error("exit status 0")
	}
	for _, want := range []string{"--enable-admission-plugins=MutatingAdmissionPolicy", "does not serve mutatingadmissionpolicies.admissionregistration.k8s.io/v1", "1.36"} {
		if !strings.Contains(out.Stderr, want) {
			t.Errorf("the output lacks %q: %s", want, out.Stderr)
		}
	}
	if strings.Contains(out.Stderr, "goroutine ") {
		t.Errorf("a stack trace: %s", out.Stderr)
	}
}
