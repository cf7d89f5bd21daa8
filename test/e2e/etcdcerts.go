// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dittofs/dittofs-apiserver/test/controlplane"
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
	ca, err := controlplane.NewAuthority(etcdName)
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
			Subject: pkix.Name{CommonName: c.secret}, DNSNames: c.names, ExtKeyUsage: c.usages,
			NotAfter: time.Now().Add(90 * 24 * time.Hour),
		}
		if len(c.names) > len(etcdMembers()) {
			template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		}
		pair, err := ca.Issue(template)
		if err != nil {
			return err
		}
		data := map[string][]byte{"tls.crt": pair.Cert, "tls.key": pair.Key, "ca.crt": ca.PEM()}
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: c.secret}, Type: corev1.SecretTypeTLS, Data: data}
		if err := s.plane.Client().Create(ctx, secret); err != nil {
			return err
		}
	}
	return nil
}
