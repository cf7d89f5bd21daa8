// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package subresources_test uses dittoservers/credentials and dittoservers/proxy through the aggregator, as users with
// different rights. In: a control plane, the stand-in for the dfs API, and an audit log of our own server. Out: proof of
// who gets a token or through to dfs, of what is left of it, and that nothing else is reached.
package subresources_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

const (
	// allAccess offers everything to those with the right.
	allAccess = "--access-without-class=admin,proxy"
	auditFile = "audit-of-ours.log"
)

var (
	cluster *harness.Cluster
	// auditArgs are those of every start of our server, auditLog is where it writes.
	auditArgs []string
	auditLog  string
	// current is how our server runs: where dfs is, and the other arguments.
	current []string
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "subresources")
	if err != nil {
		panic(err)
	}
	policy := filepath.Join(dir, "policy.yaml")
	auditLog = filepath.Join(dir, auditFile)
	err = os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- level: Metadata\n  resources: [{group: dittofs.io, resources: [dittoservers/credentials, dittoservers/proxy]}]\n- level: None\n"), 0o600)
	if err != nil {
		panic(err)
	}
	auditArgs = []string{"--audit-policy-file=" + policy, "--audit-log-path=" + auditLog, "--audit-log-mode=blocking"}
	harness.Run(m, harness.Options{StandIn: true, ServerArgs: append(slices.Clone(auditArgs), allAccess)}, &cluster)
}

// serveWith has our server run over the same store with these arguments, and finds the dfs APIs by the template, if any.
func serveWith(t *testing.T, template string, args ...string) {
	t.Helper()
	wanted := append([]string{template}, args...)
	if current == nil {
		current = []string{standIn(), allAccess}
	}
	if slices.Equal(wanted, current) {
		return
	}
	if err := cluster.Server.Stop(); err != nil {
		t.Fatal(err)
	}
	root, err := harness.RepoDir()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	server, err := cluster.Plane.InstallDittoFS(ctx, controlplane.DittoFSOptions{
		RepoDir: root, DataDir: cluster.Server.DataDir, GenerateCredentials: true,
		DFSURLTemplate: template, ExtraArgs: slices.Concat(auditArgs, args),
	})
	if err != nil {
		t.Fatal(err)
	}
	cluster.Server, current = server, wanted
	cluster.AwaitServed(t)
}

func standIn() string { return cluster.StandIn.URLTemplate }

// subject is the server that most tests ask.
type subject struct{ namespace, name string }

var shared subject

// files is a DittoServer that is Ready, made by the first test that needs it.
func files(t *testing.T) subject {
	t.Helper()
	serveWith(t, standIn(), allAccess)
	if shared.name != "" {
		return shared
	}
	s := subject{cluster.Namespace(t), "files"}
	cluster.CreateDittoServer(t, s.namespace, s.name)
	cluster.AwaitCondition(t, 5*time.Minute, s.namespace, s.name, "Ready", metav1.ConditionTrue)
	shared = s
	return s
}

// path is that of a subresource, and of what is below it.
func (s subject) path(subresource string) string {
	return fmt.Sprintf("/apis/dittofs.io/v1alpha1/namespaces/%s/dittoservers/%s/%s", s.namespace, s.name, strings.TrimPrefix(subresource, "/"))
}
