// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// NewPodTransport returns a transport that connects to address ("10.0.0.7:8080") whatever host a URL names, so that
// neither a Service nor DNS decides who receives a token; with an empty address it connects to the host of the URL. TLS
// is verified against tlsConfig.ServerName when set, else against the host of the URL. No proxy is used, even if the
// environment names one: the token would pass through it.
func NewPodTransport(address string, tlsConfig *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	dial := dialer.DialContext
	if address != "" {
		dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		}
	}
	if tlsConfig != nil {
		tlsConfig = tlsConfig.Clone()
	} else {
		tlsConfig = &tls.Config{}
	}
	if tlsConfig.MinVersion == 0 {
		tlsConfig.MinVersion = tls.VersionTLS12 // dfs offers 1.2 and 1.3
	}
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            dial,
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    5 * time.Second,
		IdleConnTimeout:        45 * time.Second, // below the 60 s after which dfs closes an idle connection
		MaxIdleConnsPerHost:    1,                // one server, polled one call at a time
		MaxResponseHeaderBytes: 64 << 10,
	}
}
