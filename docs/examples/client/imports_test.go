// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/dittofs/dittofs-apiserver"

// Who imports the types and the client must not compile an API server with them.
func TestClientCompilesNoServer(t *testing.T) {
	output, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := strings.Fields(string(output))
	if len(packages) < 100 {
		t.Fatalf("go list names %d packages: that is not this program", len(packages))
	}
	allowed := []string{module + "/docs/examples/client", module + "/apis/", module + "/pkg/generated/"}
	for _, name := range packages {
		if reason := refusal(name, allowed); reason != "" {
			t.Errorf("the example compiles %s: %s", name, reason)
		}
	}
}

func TestRefusalKnowsServersFromClients(t *testing.T) {
	allowed := []string{module + "/apis/"}
	for name, refused := range map[string]bool{
		"k8s.io/client-go/rest":                       false,
		"k8s.io/apiserver/pkg/server":                 true,
		"go.etcd.io/etcd/client/v3":                   true,
		"sigs.k8s.io/controller-runtime/pkg/client":   true,
		"k8s.io/component-base/cli":                   true,
		module + "/pkg/server":                        true,
		module + "/apis/dittofs/v1alpha1":             false,
		"github.com/prometheus/client_golang/anybody": true,
	} {
		if got := refusal(name, allowed) != ""; got != refused {
			t.Errorf("%s: refused %t, wanted %t", name, got, refused)
		}
	}
}

func refusal(name string, allowed []string) string {
	for _, prefix := range []string{
		"k8s.io/apiserver", "k8s.io/apiextensions-apiserver", "k8s.io/kube-aggregator", "k8s.io/component-base",
		"go.etcd.io", "google.golang.org/grpc", "sigs.k8s.io/controller-runtime",
		"github.com/prometheus", "github.com/spf13/cobra",
	} {
		if name == prefix || strings.HasPrefix(name, prefix+"/") {
			return "that belongs to servers"
		}
	}
	if !strings.HasPrefix(name, module+"/") {
		return ""
	}
	for _, prefix := range allowed {
		if strings.HasPrefix(name, prefix) {
			return ""
		}
	}
	return "of this module, clients need the types and pkg/generated only"
}
