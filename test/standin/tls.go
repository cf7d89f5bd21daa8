// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package standin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
)

// servedTLS is what a server that speaks TLS shows, and demands. Its certificate is read again when somebody connects, as
// dfs reads its files again when they change; the client CA is read at the start only.
type servedTLS struct {
	read       func(ctx context.Context) (tls.Certificate, error)
	clientCAs  *x509.CertPool // nil: no client certificate is asked for
	minVersion uint16

	mu      sync.Mutex
	current tls.Certificate
}

// newServedTLS reads what the configuration names. It is nil when the server speaks plain HTTP.
func (s *Server) newServedTLS(ctx context.Context, pod *corev1.Pod, c *corev1.Container, cfg settings) (*servedTLS, error) {
	certFile, keyFile, caFile := cfg.str("controlplane.tls.cert_file"), cfg.str("controlplane.tls.key_file"), cfg.str("controlplane.tls.client_ca")
	if certFile == "" {
		return nil, nil
	}
	out := &servedTLS{minVersion: tls.VersionTLS12}
	switch v := cfg.str("controlplane.tls.min_version"); v {
	case "", "1.2":
	case "1.3":
		out.minVersion = tls.VersionTLS13
	default:
		return nil, fmt.Errorf("failed to configure TLS: min_version %q is not supported (use \"1.2\" or \"1.3\")", v)
	}
	out.read = func(ctx context.Context) (tls.Certificate, error) {
		reader := newPodReader(s.client, pod) // the last one remembers what it read
		cert, err := reader.read(ctx, c, certFile)
		if err != nil {
			return tls.Certificate{}, err
		}
		key, err := reader.read(ctx, c, keyFile)
		if err != nil {
			return tls.Certificate{}, err
		}
		return tls.X509KeyPair(cert, key)
	}
	var err error
	if out.current, err = out.read(ctx); err != nil {
		return nil, fmt.Errorf("failed to configure TLS: load TLS key pair (cert=%s key=%s): %w", certFile, keyFile, err)
	}
	if caFile == "" {
		return out, nil
	}
	bundle, err := newPodReader(s.client, pod).read(ctx, c, caFile)
	if err != nil {
		return nil, fmt.Errorf("failed to configure TLS: read client CA file %s: %w", caFile, err)
	}
	out.clientCAs = x509.NewCertPool()
	if !out.clientCAs.AppendCertsFromPEM(bundle) {
		return nil, fmt.Errorf("failed to configure TLS: no valid certificates found in client CA file %s", caFile)
	}
	return out, nil
}

// certificate is the current one; one that cannot be read leaves the last good one in place.
func (t *servedTLS) certificate(ctx context.Context) tls.Certificate {
	fresh, err := t.read(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.current = fresh
	}
	return t.current
}

// goodFor says whether the certificate is for that name.
func (t *servedTLS) goodFor(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current.Leaf != nil && t.current.Leaf.VerifyHostname(name) == nil
}

// accepts says whether a request came by a connection that this server would have accepted itself.
func (t *servedTLS) accepts(state *tls.ConnectionState) bool {
	return state != nil && (t.clientCAs == nil || len(state.VerifiedChains) > 0)
}

// configFor chooses the server that a client means by the name it asks for: there is one address for all of them.
func (s *Server) configFor(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	t, plain := s.namedServer(hello.ServerName)
	if plain {
		// What a server without TLS says to a handshake, in plain.
		_, _ = hello.Conn.Write([]byte("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"))
	}
	if t == nil {
		return nil, errors.New("no server of that name speaks TLS")
	}
	config := &tls.Config{MinVersion: t.minVersion, Certificates: []tls.Certificate{t.certificate(hello.Context())}}
	if t.clientCAs != nil {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, t.clientCAs
	}
	return config, nil
}

// namedServer finds a server by the name of its Service, or else by a name in its certificate.
func (s *Server) namedServer(name string) (t *servedTLS, plain bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, v := range s.servers {
		if v.process != nil && v.ready && name == fmt.Sprintf("%s-api.%s.svc", key.name, key.namespace) {
			return v.process.tls, v.process.tls == nil
		}
	}
	for _, v := range s.servers {
		if v.process != nil && v.ready && v.process.tls != nil && v.process.tls.goodFor(name) {
			return v.process.tls, false
		}
	}
	return nil, false
}
