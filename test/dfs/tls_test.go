// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/dittofs/dittofs-apiserver/pkg/controller/dfsprobe"
	"github.com/dittofs/dittofs-apiserver/test/standin/certs"
)

// secure starts a server with TLS, and with mutual TLS if a client CA is given.
func secure(t *testing.T, ca, clientCA *certs.Authority, names ...string) *cluster {
	t.Helper()
	s := newServer(t)
	leaf := ca.Leaf(nil, names...)
	s.write("tls/tls.crt", leaf[corev1.TLSCertKey])
	s.write("tls/tls.key", leaf[corev1.TLSPrivateKeyKey])
	control := &s.object.Spec.ControlPlane
	control.CertSecretName = "files-tls"
	if clientCA != nil {
		s.write("tls-client-ca/ca.crt", clientCA.PEM)
		control.ClientCASecretName, control.ClientCertSecretName = "client-ca", "controller"
	}
	s.start()
	c := newCluster(s)
	c.putSecret("files-tls", leaf)
	return c
}

func TestTheProbeSpeaksTLS(t *testing.T) {
	ca := certs.NewAuthority(t)
	tests := []struct {
		name   string
		names  []string
		client *certs.Authority // of the server
		shown  *certs.Authority // that signed what the controller shows
		want   string           // in the failure; empty: none
	}{
		{"with a good certificate", []string{service}, nil, nil, ""},
		{"not with a certificate for another name", []string{"files.example.com"}, nil, nil, "the certificate is for files.example.com, not for " + service},
		{"with a client certificate", []string{service}, ca, ca, ""},
		{"not with a client certificate of another authority", []string{service}, ca, certs.NewAuthority(t), "refuses the client certificate of Secret controller"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := secure(t, ca, tt.client, tt.names...)
			if tt.shown != nil {
				c.putSecret("controller", tt.shown.Leaf(nil))
			}
			o := c.probe()
			if tt.want == "" && (o.Failure != "" || o.Token != dfsprobe.TokenAccepted) || !strings.Contains(o.Failure, tt.want) {
				t.Errorf("observed %q", o.Failure)
			}
		})
	}
}

func TestARenewedCertificateIsServedWithoutARestart(t *testing.T) {
	ca := certs.NewAuthority(t)
	c := secure(t, ca, nil, service)
	if o := c.probe(); o.Failure != "" {
		t.Fatal(o.Failure)
	}
	renewed := certs.NewAuthority(t)
	leaf := renewed.Leaf(nil, service)
	c.write("tls/tls.crt", leaf[corev1.TLSCertKey])
	c.write("tls/tls.key", leaf[corev1.TLSPrivateKeyKey])
	secret := &corev1.Secret{ObjectMeta: meta("files-tls")}
	c.must(c.c.Delete(t.Context(), secret))
	c.putSecret("files-tls", leaf)
	if o := c.probe(); o.Failure != "" {
		t.Errorf("observed %q", o.Failure)
	}
}
