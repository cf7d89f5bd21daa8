// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package misconfiguration_test starts our server with one thing wrong at a time. Whoever did it gets one line that
// says what, and an exit status: never a stack trace and never a process that hangs.
package misconfiguration_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/dittofs/dittofs-apiserver/test/integration/harness"
)

var cluster *harness.Cluster

func TestMain(m *testing.M) {
	harness.Run(m, harness.Options{WithoutControllers: true, ServerArgs: []string{harness.WithoutControllers()}}, &cluster)
}

// exitLimit is what a server may take to give up; etcd gets 30 s to answer.
const exitLimit = time.Minute

// kubeconfig leads to a server whose certificate is not verified; token may be empty.
func kubeconfig(t *testing.T, address string) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["c"] = &clientcmdapi.Cluster{Server: address, InsecureSkipTLSVerify: true}
	config.AuthInfos["u"] = &clientcmdapi.AuthInfo{Token: "t"}
	config.Contexts["c"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
	config.CurrentContext = "c"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// clusterWithoutAggregation answers as kube-apiserver does that was started without an authority for request headers.
func clusterWithoutAggregation(t *testing.T) string {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(&corev1.ConfigMap{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
			ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "extension-apiserver-authentication"},
			Data:       map[string]string{"client-ca-file": "something"},
		})
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func takenPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEachMistakeEndsInOneLine(t *testing.T) {
	port, plain := takenPort(t), file(t, "plain text")
	stranger := cluster.User(t, "stranger")
	cases := []struct {
		name  string
		args  []string
		wants []string
	}{
		{"a kubeconfig that is not there", []string{"--kubeconfig=/nowhere/kubeconfig"}, []string{"--kubeconfig", "/nowhere/kubeconfig", "no such file"}},
		{"a kubeconfig that is none", []string{"--kubeconfig=" + plain}, []string{"--kubeconfig", plain}},
		{"no kubeconfig outside of a cluster", []string{"--kubeconfig="}, []string{"--kubeconfig", "ServiceAccount"}},
		{"a cluster that does not answer", []string{"--kubeconfig=" + kubeconfig(t, "https://127.0.0.1:1")}, []string{"https://127.0.0.1:1", "connection refused"}},
		{"a cluster without aggregation", []string{"--kubeconfig=" + kubeconfig(t, clusterWithoutAggregation(t))}, []string{"no aggregation layer", "--requestheader-client-ca-file"}},
		{"a user without rights", []string{"--kubeconfig=" + stranger.Kubeconfig}, []string{"extension-apiserver-authentication", "forbidden"}},
		{"a port that is taken", []string{"--secure-port=" + port}, []string{port, "address already in use"}},
		{"port 0", []string{"--secure-port=0"}, []string{"--secure-port", "1 to 65535"}},
		{"a data directory in use", []string{"--data-dir=" + cluster.Server.DataDir}, []string{cluster.Server.DataDir, "in use by another dittofs-apiserver", "process"}},
		{"a data directory below a file", []string{"--data-dir=" + plain + "/data"}, []string{"data directory", "not a directory"}},
		{"no data directory", []string{"--data-dir="}, []string{"--data-dir", "--etcd-servers"}},
		{"an etcd that does not answer", []string{"--etcd-servers=http://127.0.0.1:1"}, []string{"etcd at http://127.0.0.1:1 does not answer"}},
		{"an etcd whose certificate is not there", []string{"--etcd-servers=https://127.0.0.1:1", "--etcd-cafile=/nowhere/ca.crt"}, []string{"/nowhere/ca.crt"}},
		{"no certificate", []string{"--tls-cert-file=", "--tls-private-key-file="}, []string{"--tls-cert-file", "--tls-private-key-file"}},
		{"a certificate that is not there", []string{"--tls-cert-file=/nowhere/tls.crt"}, []string{"/nowhere/tls.crt", "no such file"}},
		{"a certificate that is none", []string{"--tls-cert-file=" + plain}, []string{"--tls-cert-file", plain, "PEM"}},
		{"keys that are not there", []string{"--encryption-provider-config=/nowhere/keys.yaml"}, []string{"--encryption-provider-config", "/nowhere/keys.yaml"}},
		{"an audit policy that is not there", []string{"--audit-policy-file=/nowhere/policy.yaml"}, []string{"--audit-policy-file", "/nowhere/policy.yaml"}},
		{"traces that go nowhere", []string{"--tracing-config-file=/nowhere/tracing.yaml"}, []string{"tracing", "/nowhere/tracing.yaml"}},
		{"an unknown flag", []string{"--flag-of-mine"}, []string{"unknown flag: --flag-of-mine"}},
		{"an argument", []string{"serve"}, []string{`"serve"`}},
		{"an unknown controller", []string{"--controllers=janitor"}, []string{"--controllers", "janitor", "dittoserver"}},
		{"an unknown admission plugin", []string{"--enable-admission-plugins=Magic"}, []string{"enable-admission-plugins", "Magic"}},
		{"a lease that cannot be renewed in time", []string{"--leader-elect-renew-deadline=20s"}, []string{"leader election", "20s"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			flags := append(harness.ServerFlags(t, cluster.Admin.Kubeconfig), c.args...)
			out := harness.RunServer(t, exitLimit, flags...)
			if out.ExitCode == 0 {
				t.Error("exit status 0")
			}
			if out.Stdout != "" {
				t.Errorf("on standard output: %s", out.Stdout)
			}
			for _, trace := range []string{"goroutine ", "panic", ".go:", "Usage:"} {
				if strings.Contains(firstWordsOff(out.Stderr), trace) {
					t.Errorf("the output has %q", trace)
				}
			}
			line := errorLine(t, out.Stderr)
			for _, want := range c.wants {
				if !strings.Contains(line, want) {
					t.Errorf("the line lacks %q: %s", want, line)
				}
			}
		})
	}
}

// firstWordsOff drops the head that klog gives each line, such as "E1123 21:51:09.572355    7098 run.go:72] ".
func firstWordsOff(output string) string {
	var lines []string
	for line := range strings.Lines(output) {
		if _, rest, ok := strings.Cut(line, "] "); ok && strings.IndexByte("IWEF", line[0]) >= 0 {
			line = rest
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "")
}

// errorLine returns the one line that tells what is wrong.
func errorLine(t *testing.T, output string) string {
	t.Helper()
	var found []string
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "E") || strings.HasPrefix(line, "F") {
			found = append(found, line)
		} else if !strings.HasPrefix(line, "I") && !strings.HasPrefix(line, "W") {
			found = append(found, line)
		}
	}
	if len(found) != 1 {
		t.Errorf("%d lines tell what is wrong, want one:\n%s", len(found), output)
	}
	return strings.Join(found, "")
}

func TestAllControllersCanBeSwitchedOff(t *testing.T) {
	for _, list := range []string{"-*", "*,-dfs-probe", "dittoserver"} {
		flags := append(harness.ServerFlags(t, "/nowhere/kubeconfig"), "--controllers="+list)
		if out := harness.RunServer(t, exitLimit, flags...); strings.Contains(out.Stderr, "--controllers") {
			t.Errorf("--controllers=%s, which --help names, is refused: %s", list, out.Stderr)
		}
	}
}

func TestHelpAndVersionNeedNoCluster(t *testing.T) {
	help := harness.RunServer(t, exitLimit, "--help")
	if help.ExitCode != 0 {
		t.Errorf("exit status %d: %s", help.ExitCode, help.Stderr)
	}
	for _, want := range []string{"Host cluster flags:", "Store flags:", "Controllers flags:", "Secure serving flags:", "--kubeconfig", "--data-dir", "--etcd-servers"} {
		if !strings.Contains(help.Stdout, want) {
			t.Errorf("--help lacks %q", want)
		}
	}
	if version := harness.RunServer(t, exitLimit, "--version"); version.ExitCode != 0 || !strings.Contains(version.Stdout, "v") {
		t.Errorf("--version: %+v", version)
	}
}

func TestLogsAreJSONOnRequest(t *testing.T) {
	flags := append(harness.ServerFlags(t, "/nowhere/kubeconfig"), "--logging-format=json")
	out := harness.RunServer(t, exitLimit, flags...)
	first, _, _ := strings.Cut(out.Stderr, "\n")
	var line struct{ Msg, Version string }
	if err := json.Unmarshal([]byte(first), &line); err != nil || line.Msg != "Starting dittofs-apiserver" || line.Version == "" {
		t.Errorf("the log begins with %q: %v", first, err)
	}
}
