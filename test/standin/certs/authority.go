// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

// Package certs signs certificates for tests of TLS. In go the names that a certificate is to be for, or whatever is to be
// wrong with it; out comes the data of a Secret. Nothing of it is fit for anything but a test.
package certs

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// CAKey is where a Secret of TLS has its authorities.
const CAKey = "ca.crt"

// Authority signs certificates.
type Authority struct {
	// PEM is its own certificate.
	PEM string

	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes one. No two are alike.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t}
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "authority " + rand.Text()}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.cert, a.key = a.sign(template)
	a.PEM = encode("CERTIFICATE", a.cert.Raw)
	return a
}

// Pool trusts this authority only.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// Leaf signs a certificate of a server of these names, which is good for a client too. A function may spoil it.
func (a *Authority) Leaf(spoil func(*x509.Certificate), names ...string) map[string]string {
	a.t.Helper()
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "leaf"}, DNSNames: names, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if spoil != nil {
		spoil(template)
	}
	cert, key := a.sign(template)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return map[string]string{
		corev1.TLSCertKey: encode("CERTIFICATE", cert.Raw), corev1.TLSPrivateKeyKey: encode("EC PRIVATE KEY", der), CAKey: a.PEM,
	}
}

func (a *Authority) sign(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if template.NotBefore.IsZero() {
		template.NotBefore = time.Now().Add(-time.Hour)
	}
	if template.NotAfter.IsZero() {
		// Recordings of releases hold some.
		template.NotAfter = time.Now().AddDate(50, 0, 0)
	}
	parent, by := a.cert, a.key
	if parent == nil {
		parent, by = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, by)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

// Pair is a leaf as crypto/tls takes it.
func Pair(t testing.TB, leaf map[string]string) tls.Certificate {
	t.Helper()
	pair, err := tls.X509KeyPair([]byte(leaf[corev1.TLSCertKey]), []byte(leaf[corev1.TLSPrivateKeyKey]))
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// Data is a leaf as a Secret holds it.
func Data(leaf map[string]string) map[string][]byte {
	out := make(map[string][]byte, len(leaf))
	for key, value := range leaf {
		out[key] = []byte(value)
	}
	return out
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
