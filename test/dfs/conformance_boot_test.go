// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"fmt"
	"strings"
	"testing"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/test/standin"
)

// The stand-in decides in all other tests whether a pod comes up.
func TestTheStandInStartsWhatTheRealServerStarts(t *testing.T) {
	jwt := func(value string) func(*server) {
		return func(s *server) { s.secrets["files-jwt-secret"] = map[string]string{"jwt-secret": value} }
	}
	tlsOf := func(cert, clientCA map[string]string) func(*server) {
		return func(s *server) {
			s.object.Spec.ControlPlane.CertSecretName = "cert"
			if cert != nil {
				s.secrets["cert"] = cert
			}
			if clientCA != nil {
				s.object.Spec.ControlPlane.ClientCASecretName = "ca"
				s.secrets["ca"] = clientCA
			}
		}
	}
	ldapOf := func(change func(*dittofsv1alpha1.LDAPSpec)) func(*server) {
		return func(s *server) {
			s.object.Spec.Identity.LDAP = &dittofsv1alpha1.LDAPSpec{Enabled: true, URL: "ldaps://dc.example", BaseDN: "dc=x", BindDN: "cn=x",
				BindPasswordSecretRef: &dittofsv1alpha1.SecretKeyReference{Name: "bind", Key: "password"}}
			change(s.object.Spec.Identity.LDAP)
		}
	}
	overlaid := func(key, value string) func(*server) {
		return func(s *server) { s.object.Spec.Config = map[string]dittofsv1alpha1.Value{key: {Raw: []byte(value)}} }
	}
	tests := []struct {
		name   string
		change func(*server)
		// why is in what both say of a start that fails; empty: they start.
		why string
	}{
		{"as rendered", func(*server) {}, ""},
		{"a JWT secret of 32 bytes", jwt(strings.Repeat("a", 32)), ""},
		{"a JWT secret that is too short", jwt(strings.Repeat("a", 31)), "32"},
		{"an admin password that is too short", func(s *server) {
			s.secrets["files-admin-bootstrap-credentials"] = map[string]string{"password": "1234567"}
		}, "password"},
		{"a certificate that is none", tlsOf(map[string]string{"tls.crt": "none", "tls.key": "none"}, nil), "certificate"},
		{"a client CA that is none", tlsOf(nil, map[string]string{"ca.crt": "none"}), "client"},
		{"a token for the metrics", metricsWith("token"), ""},
		{"an empty token for the metrics", metricsWith(" \n"), "token"},
		{"a configuration that dfs refuses", overlaid("gc", `{"grace_period":"1m"}`), "grace_period"},
		{"a size with a unit", overlaid("blockstore", `{"local":{"max_log_bytes":"10GiB"}}`), "max_log_bytes"},
		{"a key that dfs does not know", overlaid("later", `{"a":1}`), ""},
		{"LDAP", ldapOf(func(*dittofsv1alpha1.LDAPSpec) {}), ""},
		{"LDAP in the open", ldapOf(func(l *dittofsv1alpha1.LDAPSpec) { l.URL = "ldap://dc.example" }), "plaintext"},
		{"LDAP in the open on purpose", ldapOf(func(l *dittofsv1alpha1.LDAPSpec) { l.URL, l.AllowPlaintext = "ldap://dc.example", true }), ""},
		{"LDAP without a password", ldapOf(func(l *dittofsv1alpha1.LDAPSpec) { l.BindPasswordSecretRef = nil }), "bind_password"},
		{"Kerberos", func(s *server) { s.object.Spec.Identity.Kerberos = kerberosSpec() }, ""},
	}
	proves(t, fmt.Sprintf("%d servers, good ones and bad ones: the stand-in starts those that dfs starts and refuses the others for the same reason", len(tests)))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			tt.change(s)
			failure := ""
			if err := s.tryStart(); err != nil {
				failure = err.Error()
			}
			_, stand := runStandIn(t, s)
			started := stand.State == standin.StateRunning
			if started != (failure == "") || started != (tt.why == "") {
				t.Fatalf("want a start that fails because of %q; dfs: %s; the stand-in: %s %s", tt.why, failure, stand.State, stand.Reason)
			}
			if !strings.Contains(strings.ToLower(failure), tt.why) || !strings.Contains(strings.ToLower(stand.Reason), tt.why) {
				t.Errorf("want %q in both; dfs: %s; the stand-in: %s", tt.why, failure, stand.Reason)
			}
			warned := strings.Contains(strings.Join(stand.Warnings, "\n"), unknownToDfs)
			if started && strings.Contains(s.wholeLog(), unknownToDfs) != warned {
				t.Errorf("unknown keys; dfs: %s; the stand-in: %s", s.log(), stand.Warnings)
			}
		})
	}
}

func metricsWith(token string) func(*server) {
	return func(s *server) {
		s.object.Spec.Metrics = &dittofsv1alpha1.MetricsSpec{Enabled: true, BearerTokenSecret: &dittofsv1alpha1.SecretKeyReference{Name: "scrape", Key: "token"}}
		s.secrets["scrape"] = map[string]string{"token": token}
	}
}
