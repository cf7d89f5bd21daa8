// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package lifecycle_test

import (
	"context"
	"crypto/tls"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// A server that is ready before it knows who may vouch for users takes the aggregator for a stranger and answers 403.
// The aggregator then takes the API away from the cluster until it asks again.
func TestTheServerIsReadyOnlyOnceItKnowsTheAggregator(t *testing.T) {
	stopServer(t)
	config := cluster.Server.DirectConfig()
	pki := filepath.Join(controlplane.StateDir(cluster.Dir), "pki")
	aggregator, err := tls.LoadX509KeyPair(filepath.Join(pki, "front-proxy-client.crt"), filepath.Join(pki, "front-proxy-client.key"))
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan error, 1)
	go func() { started <- cluster.Server.Start(t.Context()) }()
	// Without a pause between: the moment right after it counts.
	for deadline := time.Now().Add(harness.PatienceLimit); ; {
		status, err := ask(t.Context(), config, tls.Certificate{}, "/readyz")
		if err == nil && status == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not get ready: %d, %v", status, err)
		}
	}
	for range 10 {
		if status, err := ask(t.Context(), config, aggregator, "/apis/dittofs.io/v1alpha1"); err != nil || status != http.StatusOK {
			t.Errorf("the server is ready and answers the aggregator with %d, %v", status, err)
			break
		}
	}
	if err := <-started; err != nil {
		t.Fatal(err)
	}
}

// ask sends one request over a connection of its own, with the header by which the aggregator names an admin.
func ask(ctx context.Context, config *rest.Config, certificate tls.Certificate, path string) (int, error) {
	tlsConfig, err := rest.TLSConfigFor(&rest.Config{TLSClientConfig: rest.TLSClientConfig{CAData: config.CAData}})
	if err != nil {
		return 0, err
	}
	if certificate.Certificate != nil {
		tlsConfig.Certificates = []tls.Certificate{certificate}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.Host+path, nil)
	if err != nil {
		return 0, err
	}
	request.Header.Set("X-Remote-User", "somebody")
	request.Header.Set("X-Remote-Group", "system:masters")
	response, err := (&http.Transport{TLSClientConfig: tlsConfig, DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	return response.StatusCode, nil
}
