// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package hazards_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

// The process is "dead after a year" where this certificate is not watched; the check makes the kubelet restart it.
func TestHazard07TheCertificateOfTheLoopbackIsPartOfLivez(t *testing.T) {
	for _, path := range []string{"/livez", "/readyz"} {
		body := get(t, cluster.Server.DirectConfig(), path+"?verbose")
		if has := strings.Contains(body, "[+]loopback-serving-certificate ok"); has != (path == "/livez") {
			t.Errorf("%s has the check: %t\n%s", path, has, body)
		}
	}
}

func get(t *testing.T, config *rest.Config, path string) string {
	t.Helper()
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	body, err := client.RESTClient().Get().RequestURI(path).DoRaw(t.Context())
	if err != nil {
		t.Fatalf("%s: %v %s", path, err, body)
	}
	return string(body)
}

// Whoever holds a connection stays with one replica for ever. With the flag, which the overlay production sets, a
// connection is told now and then to be replaced, and no request is lost by it.
func TestHazard16ConnectionsAreReplacedNowAndThenAndNoRequestFails(t *testing.T) {
	const requests = 1000
	if dialled := connectionsFor(t, requests); dialled != 1 {
		t.Errorf("without the flag, %d requests took %d connections, want 1", requests, dialled)
	}
	// At the most that the library takes, 1,000 requests without a single replacement have a probability of 2e-9.
	cluster.RestartWith(t, "--goaway-chance=0.02")
	if dialled := connectionsFor(t, requests); dialled < 2 {
		t.Errorf("with the flag, %d requests took %d connection", requests, dialled)
	}
}

// connectionsFor sends requests, one after the other, by one client, and counts the connections that it opens.
func connectionsFor(t *testing.T, requests int) int64 {
	t.Helper()
	config := rest.CopyConfig(cluster.Server.DirectConfig())
	var dialled atomic.Int64
	config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled.Add(1)
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	config.QPS = -1
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	for range requests {
		response, err := client.Get(config.Host + "/version")
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, response.Body)
		if err = errors.Join(err, response.Body.Close()); err != nil || response.StatusCode != http.StatusOK {
			t.Fatal(response.Status, err)
		}
	}
	return dialled.Load()
}

var dispatched = regexp.MustCompile(`(?m)^apiserver_flowcontrol_dispatched_requests_total\{flow_schema="dittofs-apiserver",priority_level="workload-high"\} (\d+)`)

// Requests of users wait in our server for its questions to the host. If both stood in the same queue there, each could
// wait for the other.
func TestHazard18OurQuestionsToTheHostHaveAPlaceOfTheirOwn(t *testing.T) {
	count := func() int {
		found := dispatched.FindStringSubmatch(get(t, cluster.Admin.Config, "/metrics"))
		if found == nil {
			t.Fatal("kube-apiserver has put no request of ours under the FlowSchema dittofs-apiserver")
		}
		n, err := strconv.Atoi(found[1])
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	namespace := cluster.Namespace(t)
	before := count()
	cluster.CreateDittoServer(t, namespace, "files")
	if after := count(); after == before {
		t.Errorf("a create asked the host, and the FlowSchema counts %d requests as before", after)
	}
}

func TestHazard23ANamespaceThatWasJustMadeTakesServers(t *testing.T) {
	for n := range 50 {
		name := fmt.Sprintf("just-made-%d", n)
		if _, err := cluster.Admin.Kube.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, err := cluster.Admin.DittoServers(name).Create(t.Context(), harness.NewDittoServer("files"), metav1.CreateOptions{}); err != nil {
			t.Errorf("right after its namespace: %v", err)
		}
	}
}
