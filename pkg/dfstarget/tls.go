// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfstarget

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	corev1 "k8s.io/api/core/v1"
)

// caKey is the key of a Secret with the authorities that sign its certificate, as cert-manager writes it.
const caKey = "ca.crt"

// TLS is how an API is dialled. It holds no content of a Secret, only the version that it was last seen in: another version
// is another TLS, and is dialled anew.
type TLS struct {
	On bool
	// ServerName is the name that the certificate must be good for; empty means the host of the URL.
	ServerName string
	// CertSecret has the server's certificate, ClientSecret ours.
	CertSecret, CertVersion     string
	ClientSecret, ClientVersion string
}

// ReadSecret returns a Secret as it is now, or an error fit for a condition.
type ReadSecret func(ctx context.Context, namespace, name string) (*corev1.Secret, error)

// Config reads the Secrets. It is nil for plain HTTP.
func (t TLS) Config(ctx context.Context, read ReadSecret, namespace string) (*tls.Config, error) {
	if !t.On {
		return nil, nil
	}
	out := &tls.Config{ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CertSecret != "" {
		secret, err := read(ctx, namespace, t.CertSecret)
		if err != nil {
			return nil, err
		}
		if out.RootCAs, err = rootsOf(secret); err != nil {
			return nil, err
		}
	}
	if t.ClientSecret != "" {
		secret, err := read(ctx, namespace, t.ClientSecret)
		if err != nil {
			return nil, err
		}
		pair, err := pairOf(secret)
		if err != nil {
			return nil, err
		}
		out.Certificates = []tls.Certificate{pair}
	}
	return out, nil
}

// rootsOf are the authorities that may have signed the server's certificate: those of ca.crt and no others, or without it,
// as of a public authority, those of this system.
func rootsOf(secret *corev1.Secret) (*x509.CertPool, error) {
	if ca := secret.Data[caKey]; len(bytes.TrimSpace(ca)) > 0 {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(ca) {
			return nil, fmt.Errorf("the %s of Secret %s holds no PEM certificate", caKey, secret.Name)
		}
		return pool, nil
	}
	if selfSigned(secret.Data[corev1.TLSCertKey]) {
		// Trusting whatever is served would be trusting nobody in particular.
		return nil, fmt.Errorf("the certificate of Secret %s is self-signed and the Secret has no %s: add it there as %s too",
			secret.Name, caKey, caKey)
	}
	return nil, nil
}

func selfSigned(chain []byte) bool {
	block, _ := pem.Decode(chain)
	if block == nil {
		return false
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	return err == nil && bytes.Equal(leaf.RawIssuer, leaf.RawSubject)
}

func pairOf(secret *corev1.Secret) (tls.Certificate, error) {
	for _, key := range []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey} {
		if len(secret.Data[key]) == 0 {
			return tls.Certificate{}, fmt.Errorf("the Secret %s has no key %s, which is shown to the dfs API", secret.Name, key)
		}
	}
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		// The cause could quote what should have been a certificate.
		return tls.Certificate{}, fmt.Errorf("the %s and %s of Secret %s are not a certificate and its key", corev1.TLSCertKey, corev1.TLSPrivateKeyKey, secret.Name)
	}
	return pair, nil
}
