// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/e2e/node"
)

const (
	systemNamespace = "dittofs-system"
	serverName      = "dittofs-apiserver"
	tenantNamespace = "team-a"
	tenantGroup     = "team-a-admins"
	firstTag        = "e2e-1"
	secondTag       = "e2e-2"
)

// steps are the run of the overlay quickstart, in the order of the table.
func (s *suite) steps() []step {
	return []step{
		{name: "import images", do: s.importImages, unchecked: true},
		{name: "install quickstart", do: s.install, unchecked: true},
		{name: "tenant applies a DittoServer", do: s.tenantApplies, unchecked: true},
		{name: "reach dfs by Service and DNS", do: s.reachService},
		{name: "kubectl proxy", do: s.kubectlProxy},
		{name: "kill -9 of our process", do: s.kill},
		{name: "delete of our pod", do: s.deletePod},
		{name: "drain", do: s.drain},
		{name: "new authority", do: s.rotateAuthority},
		{name: "stolen authority", do: s.stolenAuthority},
		{name: "upgrade", do: s.upgrade},
		{name: "upgrade taken back", do: s.takeBack},
		{name: "apply again", do: s.applyAgain},
		{name: "without us", do: s.withoutUs},
		{name: "loss of our store", do: s.loseStore},
		{name: "backup", do: s.backup},
		{name: "restore after total loss", do: s.restore},
		{name: "uninstall", do: s.uninstall, unchecked: true},
	}
}

func (s *suite) importImages(ctx context.Context) (string, error) {
	if err := s.importServer(ctx, firstTag); err != nil {
		return "", err
	}
	return s.importDFS(ctx)
}

// apply installs the overlay with one of our tags, as `kustomize edit set image` would.
func (s *suite) apply(ctx context.Context, tag string) error {
	s.installed = tag
	overlay, err := s.overlay(tag)
	if err != nil {
		return err
	}
	_, err = s.kubectl(ctx, "apply", "-k", overlay)
	return err
}

func (s *suite) overlay(tag string) (string, error) {
	dir := filepath.Join(s.options.dir(), "overlay")
	base, err := filepath.Rel(dir, filepath.Join(s.options.root, "artifacts", "deploy", "overlays", s.overlayName))
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	content := fmt.Sprintf(`apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [%q]
images:
  - {name: dittofs-apiserver, newName: %s, newTag: %s}
`, base, serverImage, tag)
	if s.withBackup {
		content += fmt.Sprintf("components: [%q]\n", filepath.Join(base, "..", "..", "components", "backup"))
	}
	return dir, os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(content), 0o600)
}

func (s *suite) install(ctx context.Context) (string, error) {
	began := time.Now()
	if err := s.apply(ctx, firstTag); err != nil {
		return "", err
	}
	if err := eventually(ctx, s.served); err != nil {
		pod, podErr := s.serverPod(ctx)
		return "", fmt.Errorf("our API is not served: %w (pod %v, %w)", err, pod != nil, podErr)
	}
	return fmt.Sprintf("served after %.1f s", time.Since(began).Seconds()), nil
}

// tenantApplies is what a tenant does: the shipped sample, with rights that the shipped component gives.
func (s *suite) tenantApplies(ctx context.Context) (string, error) {
	var err error
	if s.tenant, err = s.plane.AddUserFile("team-a-admin", tenantGroup); err != nil {
		return "", err
	}
	if err := s.makeTenant(ctx); err != nil {
		return "", err
	}
	began := time.Now()
	if _, err := s.kubectlAs(ctx, s.tenant, "-n", tenantNamespace, "apply", "-f", s.sample()); err != nil {
		return "", err
	}
	if err := eventually(ctx, s.allReady); err != nil {
		return "", err
	}
	ready := time.Since(began)
	if s.pods, err = s.filePods(ctx); err != nil {
		return "", err
	}
	if len(s.pods) != 1 {
		return "", fmt.Errorf("%d pods of file servers, want 1", len(s.pods))
	}
	s.writer = startWriter(context.WithoutCancel(ctx), s.dittofs)
	return fmt.Sprintf("Ready after %.1f s, by the probes of the kubelet", ready.Seconds()), nil
}

func (s *suite) sample() string {
	return filepath.Join(s.options.root, "artifacts", "samples", "dittoserver.yaml")
}

// makeTenant uses the component for tenants as docs/tenancy.md says.
func (s *suite) makeTenant(ctx context.Context) error {
	dir := filepath.Join(s.options.dir(), "tenant")
	component, err := filepath.Rel(dir, filepath.Join(s.options.root, "artifacts", "deploy", "components", "tenant"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	content := fmt.Sprintf(`apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: %[1]s
components: [%[2]q]
patches:
  - target: {kind: RoleBinding}
    patch: |-
      - {op: replace, path: /subjects/0/name, value: %[3]s}
  - target: {kind: Namespace}
    patch: |-
      - {op: replace, path: /metadata/name, value: %[1]s}
`, tenantNamespace, component, tenantGroup)
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(content), 0o600); err != nil {
		return err
	}
	_, err = s.kubectl(ctx, "apply", "-k", dir)
	return err
}

// reachService asks dfs as a client in the cluster does: by name, by Service, by kube-proxy.
func (s *suite) reachService(ctx context.Context) (string, error) {
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, node.First.Address()+":53")
	}}
	name := s.server + "-api." + tenantNamespace + ".svc.cluster.local"
	addresses, err := resolver.LookupHost(ctx, name)
	if err != nil {
		return "", err
	}
	var body string
	err = eventually(ctx, func(ctx context.Context) error { // kube-proxy hears of a ready pod when we do
		body, err = get(ctx, "http://"+net.JoinHostPort(addresses[0], "8080")+"/health")
		return err
	})
	if err != nil {
		return "", err
	}
	if !strings.Contains(body, `"healthy"`) {
		return "", fmt.Errorf("dfs says %s", body)
	}
	return name + " is " + addresses[0] + ", /health answers", nil
}

func get(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, response.Status, body)
	}
	return string(body), err
}

// kubectlProxy asks our API by `kubectl proxy`, as a script would.
func (s *suite) kubectlProxy(ctx context.Context) (string, error) {
	const address = "127.0.0.1:18001"
	proxyCtx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = s.kubectl(proxyCtx, "proxy", "--port=18001")
	}()
	defer func() { cancel(); <-ended }()
	var body string
	err := eventually(ctx, func(ctx context.Context) (err error) {
		body, err = get(ctx, "http://"+address+"/apis/dittofs.io/v1alpha1/namespaces/"+tenantNamespace+"/dittoservers/"+s.server)
		return err
	})
	if err != nil {
		return "", err
	}
	server, err := s.dittofs.DittofsV1alpha1().DittoServers(tenantNamespace).Get(ctx, s.server, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	if !strings.Contains(body, string(server.UID)) {
		return "", fmt.Errorf("the proxy answers %.200s", body)
	}
	return "the DittoServer is read through it", nil
}
