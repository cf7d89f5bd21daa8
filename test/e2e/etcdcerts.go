// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// etcdMembers are the names that docs/install.md asks for, and no wildcard.
func etcdMembers() []string {
	names := make([]string, 3)
	for i := range names {
		names[i] = fmt.Sprintf("%s-%d.%s.%s.svc", etcdName, i, etcdName, systemNamespace)
	}
	return names
}

// makeEtcdSecrets makes what the component cert-manager would: cert-manager has no place here. The shape is that of its
// Certificates.
func (s *suite) makeEtcdSecrets(ctx context.Context) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	ca, err := cert.NewSelfSignedCACert(cert.Config{CommonName: etcdName}, key)
	if err != nil {
		return err
	}
	server, client := x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth
	for _, c := range []struct {
		secret string
		names  []string
		usages []x509.ExtKeyUsage
	}{
		{etcdName + "-server", append(etcdMembers(), "localhost"), []x509.ExtKeyUsage{server, client}},
		{etcdName + "-peer", etcdMembers(), []x509.ExtKeyUsage{server, client}},
		{etcdName + "-client", nil, []x509.ExtKeyUsage{client}},
	} {
		template := &x509.Certificate{
			Subject:  pkix.Name{CommonName: c.secret},
			DNSNames: c.names, ExtKeyUsage: c.usages, KeyUsage: x509.KeyUsageDigitalSignature,
			NotBefore: ca.NotBefore, NotAfter: ca.NotBefore.Add(90 * 24 * time.Hour),
		}
		if len(c.names) > len(etcdMembers()) {
			template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		}
		data, err := sign(template, ca, key)
		if err != nil {
			return err
		}
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: c.secret}, Type: corev1.SecretTypeTLS, Data: data}
		if err := s.plane.Client().Create(ctx, secret); err != nil {
			return err
		}
	}
	return nil
}

func sign(template, ca *x509.Certificate, signer *ecdsa.PrivateKey) (map[string][]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)); err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), signer)
	if err != nil {
		return nil, err
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return nil, err
	}
	block := func(raw []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: cert.CertificateBlockType, Bytes: raw})
	}
	return map[string][]byte{"tls.crt": block(der), "tls.key": keyPEM, "ca.crt": block(ca.Raw)}, nil
}
