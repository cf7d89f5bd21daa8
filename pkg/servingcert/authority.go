// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package servingcert

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

const (
	// authorityLifetime is long, since nobody needs to change anything when it is over.
	authorityLifetime = 365 * 24 * time.Hour
	// leafLifetime is short: there is no other way to take a certificate back.
	leafLifetime = 24 * time.Hour
	// skew is how far the clocks of two machines may differ.
	skew = 10 * time.Minute
)

// pair is a certificate with its key.
type pair struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// made is when the pair was made.
func (p *pair) made() time.Time { return p.certificate.NotBefore.Add(skew) }

// ripe is when two thirds of its life are over and the next is due.
func (p *pair) ripe() time.Time {
	return p.made().Add(p.certificate.NotAfter.Sub(p.made()) * 2 / 3)
}

func newAuthority(name string, now time.Time) (*pair, error) {
	return sign(nil, &x509.Certificate{
		Subject:               pkix.Name{CommonName: fmt.Sprintf("%s-%d", name, now.Unix())},
		NotAfter:              now.Add(authorityLifetime),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}, now)
}

// newLeaf issues a certificate for the DNS names.
func (p *pair) newLeaf(names []string, now time.Time) (*pair, error) {
	notAfter := now.Add(leafLifetime)
	if p.certificate.NotAfter.Before(notAfter) {
		notAfter = p.certificate.NotAfter
	}
	return sign(p, &x509.Certificate{
		Subject:     pkix.Name{CommonName: names[0]},
		DNSNames:    names,
		NotAfter:    notAfter,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, now)
}

// sign completes the template; without an authority the certificate signs itself.
func sign(authority *pair, template *x509.Certificate, now time.Time) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate a key: %w", err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, fmt.Errorf("choose a serial number: %w", err)
	}
	template.NotBefore = now.Add(-skew)
	if authority == nil {
		authority = &pair{certificate: template, key: key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, authority.certificate, key.Public(), authority.key)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("read back a certificate: %w", err)
	}
	return &pair{certificate: certificate, key: key}, nil
}

func (p *pair) encode() (certificate, key []byte, err error) {
	key, err = keyutil.MarshalPrivateKeyToPEM(p.key)
	if err != nil {
		return nil, nil, fmt.Errorf("encode a key: %w", err)
	}
	return encodeBundle([]*x509.Certificate{p.certificate}), key, nil
}

// decodePair reads what encode wrote. The errors quote nothing of it.
func decodePair(certificate, key []byte) (*pair, error) {
	certificates, err := cert.ParseCertsPEM(certificate)
	if err != nil {
		return nil, fmt.Errorf("the certificate cannot be read: %w", err)
	}
	parsed, err := keyutil.ParsePrivateKeyPEM(key)
	if err != nil {
		return nil, fmt.Errorf("the key cannot be read")
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("the key cannot sign")
	}
	public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(certificates[0].PublicKey) {
		return nil, fmt.Errorf("the key is not that of the certificate")
	}
	return &pair{certificate: certificates[0], key: signer}, nil
}

func encodeBundle(certificates []*x509.Certificate) []byte {
	var out bytes.Buffer
	for _, certificate := range certificates {
		_ = pem.Encode(&out, &pem.Block{Type: cert.CertificateBlockType, Bytes: certificate.Raw}) // a buffer takes everything
	}
	return out.Bytes()
}

// decodeBundle leaves out what is no certificate.
func decodeBundle(data []byte) []*x509.Certificate {
	var found []*x509.Certificate
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if certificate, err := x509.ParseCertificate(block.Bytes); err == nil {
			found = append(found, certificate)
		}
	}
	return found
}
