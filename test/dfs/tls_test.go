// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

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
	control := &s.object.Spec.ControlPlane
	control.CertSecretName, control.TLSMinVersion = "files-tls", "1.3"
	s.secrets["files-tls"] = ca.Leaf(nil, names...)
	if clientCA != nil {
		control.ClientCASecretName, control.ClientCertSecretName = "client-ca", "controller"
		s.secrets["client-ca"] = map[string]string{"ca.crt": clientCA.PEM}
	}
	s.start()
	return newCluster(s)
}

func TestTheProbeSpeaksTLS(t *testing.T) {
	proves(t, "TLS and mutual TLS as rendered: the controller verifies the Service's name and shows its certificate; every mistake is named")
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

// The kubelet has no certificate to show: what it is told to do has to work, and what it cannot do must not be asked of it.
func TestMutualTLSHasProbesThatTheKubeletCanDo(t *testing.T) {
	proves(t, "under mutual TLS nobody without a certificate gets an answer, and the TCP probes as rendered pass")
	ca := certs.NewAuthority(t)
	c := secure(t, ca, ca, service)
	for _, probe := range []*corev1.Probe{c.dfsContainer().StartupProbe, c.dfsContainer().LivenessProbe, c.dfsContainer().ReadinessProbe} {
		if probe.TCPSocket == nil || probe.HTTPGet != nil {
			t.Errorf("a probe is %+v", probe.ProbeHandler)
		}
	}
	get := c.dfsContainer().ReadinessProbe.DeepCopy()
	get.ProbeHandler = corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/health", Port: get.TCPSocket.Port, Scheme: corev1.URISchemeHTTPS}}
	if passes(t.Context(), c.dfsContainer(), get) {
		t.Error("dfs answers a client without a certificate")
	}
}

func TestARenewedCertificateIsServedWithoutARestart(t *testing.T) {
	proves(t, "a renewed certificate is served by the running process, which is why TLS is not in the config hash")
	ca := certs.NewAuthority(t)
	c := secure(t, ca, nil, service)
	if o := c.probe(); o.Failure != "" {
		t.Fatal(o.Failure)
	}
	leaf := certs.NewAuthority(t).Leaf(nil, service)
	c.putSecret("files-tls", leaf)
	c.secrets["files-tls"] = leaf
	c.renew()
	if o := c.probe(); o.Failure != "" {
		t.Errorf("observed %q", o.Failure)
	}
}

func TestAnotherClientCAWaitsForARestart(t *testing.T) {
	proves(t, "another client CA is not read before a restart, which is why it is in the config hash")
	ca, next := certs.NewAuthority(t), certs.NewAuthority(t)
	c := secure(t, ca, ca, service)
	c.secrets["client-ca"] = map[string]string{"ca.crt": next.PEM}
	c.renew()
	c.putSecret("controller", next.Leaf(nil))
	if o := c.probe(); !strings.Contains(o.Failure, "refuses the client certificate") {
		t.Errorf("before the restart: %q", o.Failure)
	}
	c.stop()
	c.start()
	c.replacePod("pod-uid-2")
	if o := c.probe(); o.Failure != "" || o.Token != dfsprobe.TokenAccepted {
		t.Errorf("after the restart: %q", o.Failure)
	}
}
