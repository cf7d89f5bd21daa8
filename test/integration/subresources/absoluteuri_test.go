// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package subresources_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/client-go/rest"
)

// sendAbsolute sends a request whose first line has a whole URL, as to a proxy of the web, with its host as Host.
func sendAbsolute(t *testing.T, config *rest.Config, target string) answer {
	t.Helper()
	to, err := url.Parse(config.Host)
	if err != nil {
		t.Fatal(err)
	}
	tlsConfig, err := rest.TLSConfigFor(config)
	if err != nil {
		t.Fatal(err)
	}
	tlsConfig.ServerName, tlsConfig.NextProtos = to.Hostname(), []string{"http/1.1"}
	connection, err := tls.Dial("tcp", to.Host, tlsConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := request.WriteProxy(connection); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

func TestAnAbsoluteURILeadsTheProxyNowhereElse(t *testing.T) {
	s := files(t)
	user := s.somebody(t, mayProxy("get"))
	direct := cluster.Server.DirectConfig()
	direct.CertData, direct.KeyData = user.Config.CertData, user.Config.KeyData
	var led atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { led.Add(1) }))
	t.Cleanup(elsewhere.Close)
	for door, config := range map[string]*rest.Config{"kube-apiserver": user.Config, "our port": direct} {
		for name, host := range map[string]string{"a link-local address": "http://169.254.169.254", "another host": elsewhere.URL, "a host with a login": "https://admin:admin@evil.example"} {
			t.Run(name+" at "+door, func(t *testing.T) {
				s.countAnew(t)
				// Nobody else asks for shares.
				if got := sendAbsolute(t, config, host+s.path("proxy/api/v1/shares")); got.code != http.StatusOK {
					t.Errorf("the server's own API is not what answers: %d %s", got.code, got.body)
				}
				asked := 0
				for _, r := range s.requests(t) {
					if strings.HasSuffix(r.Path, "/shares") {
						asked += r.Count
					}
				}
				if asked != 1 || led.Load() > 0 {
					t.Errorf("dfs was asked %d times, the other host %d times", asked, led.Load())
				}
				if got := sendAbsolute(t, config, host+"/latest/meta-data"); got.code != http.StatusForbidden && got.code != http.StatusNotFound {
					t.Errorf("a path of the other host: %d %s", got.code, got.body)
				}
			})
		}
	}
}
