// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
)

// pki is an authority with a server and a client certificate, as files.
type pki struct{ dir string }

func (p *pki) path(name string) string { return filepath.Join(p.dir, name) }

func newPKI(t *testing.T) *pki {
	t.Helper()
	p := &pki{dir: t.TempDir()}
	ca, err := controlplane.NewAuthority("etcd-ca")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.path("ca.crt"), ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, template := range map[string]*x509.Certificate{
		"server": {
			Subject: pkix.Name{CommonName: "etcd"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
			// etcd calls itself, as a client.
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		},
		"client": {Subject: pkix.Name{CommonName: "dittofs-apiserver"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}},
	} {
		pair, err := ca.Issue(template)
		if err != nil {
			t.Fatal(err)
		}
		if err := pair.Write(p.dir, name); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// clientTLS is how the test itself looks into etcd.
func (p *pki) clientTLS(t *testing.T) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(p.path("client.crt"), p.path("client.key"))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(p.path("ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &tls.Config{Certificates: []tls.Certificate{pair}, RootCAs: roots, MinVersion: tls.VersionTLS12}
}
