// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package faultproxy stands between a client and kube-apiserver and makes trouble on request.
// In: the address of kube-apiserver, and faults that tests add and remove. Out: an address that behaves like
// kube-apiserver apart from the faults, and a record of every request. It has no credentials of its own: the client's
// token passes through, and a client certificate cannot.
package faultproxy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/cert"
)

// Proxy listens on the loopback interface until Close.
type Proxy struct {
	// URL is where it listens, CA what its certificate is to be verified with.
	URL string
	CA  []byte

	server   *http.Server
	reverse  *httputil.ReverseProxy
	resolver *request.RequestInfoFactory
	upstream *http.Transport
	serving  sync.WaitGroup

	mu      sync.Mutex
	faults  []*active
	log     []Record
	watches map[int]func() // the ends of the watches under way, by their place in the log
}

// Record is one request, in the order of arrival.
type Record struct {
	Request
	At time.Time
	// Status is that of the answer, 0 as long as there is none, or if the client never got one.
	Status int
}

// Start starts a proxy for the kube-apiserver that a configuration leads to. Of its credentials none is used.
func Start(config *rest.Config) (*Proxy, error) {
	target, err := url.Parse(config.Host)
	if err != nil {
		return nil, fmt.Errorf("the address of kube-apiserver: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(config.CAData) {
		return nil, errors.New("the configuration has no certificate of an authority")
	}
	certificate, key, err := cert.GenerateSelfSignedCertKey("localhost", []net.IP{net.IPv4(127, 0, 0, 1)}, nil)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	p := &Proxy{
		watches: map[int]func(){},
		URL:     "https://" + listener.Addr().String(), CA: certificate,
		resolver: &request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")},
		upstream: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
			// As it comes: the client and kube-apiserver agree on compression among themselves.
			DisableCompression: true,
		},
	}
	quiet := log.New(io.Discard, "", 0)
	p.reverse = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = ""
		},
		Transport: p.upstream, FlushInterval: -1, ErrorLog: quiet, ModifyResponse: p.answered,
		// kube-apiserver is away: so are we.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.server = &http.Server{
		Handler: http.HandlerFunc(p.serve), ErrorLog: quiet, ReadHeaderTimeout: time.Minute,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
	}
	p.serving.Go(func() { _ = p.server.ServeTLS(listener, "", "") })
	return p, nil
}

// Close ends all connections.
func (p *Proxy) Close() error {
	p.clear()
	err := p.server.Close()
	p.serving.Wait()
	p.upstream.CloseIdleConnections()
	return err
}

// Records returns the requests until now.
func (p *Proxy) Records() []Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Record{}, p.log...)
}

// record notes a request, and returns where its status belongs.
func (p *Proxy) record(r Request) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log = append(p.log, Record{Request: r, At: time.Now()})
	return len(p.log) - 1
}

func (p *Proxy) setStatus(index, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log[index].Status = status
}
