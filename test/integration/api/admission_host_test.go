// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned"
	dittofsclient "github.com/dittofs/dittofs-apiserver/pkg/generated/clientset/versioned/typed/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// anotherServer is one more server of ours on the same cluster, with a store of its own and without the aggregator in
// front: what is done to its connection and its rights disturbs no other test.
type anotherServer struct{ address string }

// startAnother returns as soon as the server says that it is ready.
func startAnother(t *testing.T, kubeconfig string) anotherServer {
	t.Helper()
	flags := append(harness.ServerFlags(t, kubeconfig), harness.WithoutControllers(), "--namespace="+cluster.Namespace(t))
	port := slices.IndexFunc(flags, func(flag string) bool { return strings.HasPrefix(flag, "--secure-port=") })
	another := anotherServer{"https://127.0.0.1:" + strings.TrimPrefix(flags[port], "--secure-port=")}
	binary, err := harness.Binary("dittofs-apiserver")
	if err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	process := exec.Command(binary, flags...)
	process.Stdout, process.Stderr = &output, &output
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Requests that hang would hold up its end.
		_ = process.Process.Signal(syscall.SIGKILL)
		_ = process.Wait()
		if t.Failed() {
			t.Logf("the other server said:\n%s", output.String())
		}
	})
	client, err := rest.HTTPClientFor(another.as(nil))
	if err != nil {
		t.Fatal(err)
	}
	harness.Eventually(t, "the other server is ready", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, another.address+"/readyz", nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
		return nil
	})
	return another
}

func (s anotherServer) as(user *harness.User) *rest.Config {
	config := &rest.Config{Host: s.address, TLSClientConfig: rest.TLSClientConfig{Insecure: true}, QPS: -1}
	if user != nil {
		config.CertData, config.KeyData = user.Config.CertData, user.Config.KeyData
	}
	return config
}

func (s anotherServer) servers(t *testing.T, user *harness.User, namespace string) dittofsclient.DittoServerInterface {
	t.Helper()
	client, err := versioned.NewForConfig(s.as(user))
	if err != nil {
		t.Fatal(err)
	}
	return client.DittofsV1alpha1().DittoServers(namespace)
}

// silence decides about a request, of which it is given the body too, whether it stays without an answer.
type silence func(r *http.Request, body []byte) bool

// deafHost is the cluster behind a proxy which does not pass on what a test picks.
type deafHost struct {
	kubeconfig string

	mu       sync.Mutex
	silences []silence
}

// newDeafHost passes everything on as a user who may do everything.
func newDeafHost(t *testing.T, silences ...silence) *deafHost {
	t.Helper()
	host := &deafHost{silences: silences, kubeconfig: filepath.Join(t.TempDir(), "kubeconfig")}
	user := cluster.User(t, "proxy", "system:masters")
	transport, err := rest.TransportFor(user.Config)
	if err != nil {
		t.Fatal(err)
	}
	target, err := url.Parse(user.Config.Host)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport:     transport,
		FlushInterval: -1, // watches
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if host.keepsSilent(r, body) {
			<-r.Context().Done()
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		listener.CloseClientConnections()
		listener.Close()
	})
	config := clientcmdapi.NewConfig()
	config.Clusters["c"] = &clientcmdapi.Cluster{Server: listener.URL}
	config.Contexts["c"] = &clientcmdapi.Context{Cluster: "c"}
	config.CurrentContext = "c"
	if err := clientcmd.WriteToFile(*config, host.kubeconfig); err != nil {
		t.Fatal(err)
	}
	return host
}

func (h *deafHost) keepsSilent(r *http.Request, body []byte) bool {
	h.mu.Lock()
	silences := slices.Clone(h.silences)
	h.mu.Unlock()
	return slices.ContainsFunc(silences, func(s silence) bool { return s(r, body) })
}

// add is for a silence that begins now.
func (h *deafHost) add(s silence) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.silences = append(h.silences, s)
}

func gets(path string) silence {
	return func(r *http.Request, _ []byte) bool { return r.Method == http.MethodGet && r.URL.Path == path }
}

// posts is about requests whose body has all of the words.
func posts(path string, words ...string) silence {
	return func(r *http.Request, body []byte) bool {
		return r.Method == http.MethodPost && r.URL.Path == path &&
			!slices.ContainsFunc(words, func(word string) bool { return !bytes.Contains(body, []byte(word)) })
	}
}
