// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfs_test

import (
	"strings"
	"testing"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

func TestLDAPIsFollowedWithoutARestart(t *testing.T) {
	s := newServer(t)
	s.start()
	c := newCluster(s)
	c.putSecret("bind", map[string]string{"password": "hunter22"})
	c.edit(func(d *dittofsv1alpha1.DittoServer) {
		d.Spec.Identity.LDAP = &dittofsv1alpha1.LDAPSpec{Enabled: true, URL: "ldaps://dc.example.com", BaseDN: "dc=example", BindDN: "cn=dfs",
			BindPasswordSecretRef: &dittofsv1alpha1.SecretKeyReference{Name: "bind", Key: "password"}}
	})
	stored := func() dfs.IdentityProvider {
		t.Helper()
		got, err := s.client().IdentityProvider(t.Context(), dfs.ProviderLDAP)
		s.must(err)
		return got
	}
	if o := c.probe(); o.Providers["ldap"] != "" {
		t.Fatalf("observed %q", o.Providers["ldap"])
	}
	if got := stored(); !got.Enabled() || got["url"] != "ldaps://dc.example.com" || got["bind_password"] != dfs.MaskedSecret {
		t.Errorf("dfs has %v", got)
	}
	c.edit(func(d *dittofsv1alpha1.DittoServer) { d.Spec.Identity.LDAP.URL = "ldap://dc.example.com" })
	if o := c.probe(); !strings.Contains(o.Providers["ldap"], "plaintext") {
		t.Errorf("observed %q", o.Providers["ldap"])
	}
	c.edit(func(d *dittofsv1alpha1.DittoServer) { d.Spec.Identity.LDAP = nil })
	if o := c.probe(); len(o.Providers) != 0 || stored().Enabled() {
		t.Errorf("observed %v", o.Providers)
	}
}

// Why Kerberos is not switched on under a pod without a keytab, and is switched off before the keytab goes.
func TestKerberosWithoutItsKeytabDoesNotStart(t *testing.T) {
	s := newServer(t)
	s.start()
	err := s.client().PutIdentityProvider(t.Context(), dfs.ProviderKerberos, dfs.IdentityProvider{
		"enabled": true, "keytab_path": "/kerberos/dittofs.keytab", "service_principal": "nfs/files@EXAMPLE.COM"})
	s.must(err)
	got, err := s.client().IdentityProvider(t.Context(), dfs.ProviderKerberos)
	if err != nil || got["realm"] != "" {
		t.Errorf("dfs derives the realm of what it is told after all: %v %v", got, err)
	}
	s.stop()
	if err := s.tryStart(); err == nil || !strings.Contains(err.Error(), "keytab") {
		t.Errorf("it started: %v", err)
	}
}
