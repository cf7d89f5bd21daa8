// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

//go:build linux

package dfs_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
	"github.com/dittofs/dittofs-apiserver/pkg/render"
)

func (s *server) provider(name string) dfs.IdentityProvider {
	s.t.Helper()
	got, err := s.client().IdentityProvider(s.t.Context(), name)
	s.must(err)
	return got
}

func TestLDAPIsFollowedWithoutARestart(t *testing.T) {
	proves(t, "LDAP by PUT: set live, refused in the words of dfs, switched off when it leaves the spec")
	s := newServer(t)
	s.start()
	c := newCluster(s)
	c.putSecret("bind", map[string]string{"password": "hunter22"})
	c.edit(func(d *dittofsv1alpha1.DittoServer) {
		d.Spec.Identity.LDAP = &dittofsv1alpha1.LDAPSpec{Enabled: true, URL: "ldaps://dc.example.com", BaseDN: "dc=example", BindDN: "cn=dfs",
			BindPasswordSecretRef: &dittofsv1alpha1.SecretKeyReference{Name: "bind", Key: "password"}}
	})
	if o := c.probe(); o.Providers["ldap"] != "" {
		t.Fatalf("observed %q", o.Providers["ldap"])
	}
	if got := s.provider("ldap"); !got.Enabled() || got["url"] != "ldaps://dc.example.com" || got["bind_password"] != dfs.MaskedSecret {
		t.Errorf("dfs has %v", got)
	}
	c.edit(func(d *dittofsv1alpha1.DittoServer) { d.Spec.Identity.LDAP.URL = "ldap://dc.example.com" })
	if o := c.probe(); !strings.Contains(o.Providers["ldap"], "plaintext") {
		t.Errorf("observed %q", o.Providers["ldap"])
	}
	c.edit(func(d *dittofsv1alpha1.DittoServer) { d.Spec.Identity.LDAP = nil })
	if o := c.probe(); len(o.Providers) != 0 || s.provider("ldap").Enabled() {
		t.Errorf("observed %v", o.Providers)
	}
}

func TestLDAPInTheConfigurationIsASeed(t *testing.T) {
	proves(t, "LDAP in the rendered config is read at the first start only: a later file is ignored, a PUT of the probe is what changes it")
	s := newServer(t)
	s.object.Spec.Identity.LDAP = &dittofsv1alpha1.LDAPSpec{Enabled: true, URL: "ldaps://first.example.com", BaseDN: "dc=example", BindDN: "cn=dfs",
		BindPasswordSecretRef: &dittofsv1alpha1.SecretKeyReference{Name: "bind", Key: "password"}}
	s.secrets["bind"] = map[string]string{"password": "hunter22"}
	s.start()
	if got := s.provider("ldap"); !got.Enabled() || got["url"] != "ldaps://first.example.com" || got["bind_password"] != dfs.MaskedSecret {
		t.Errorf("the seed: %v", got)
	}
	before, err := render.HashedConfig(s.object, nil)
	s.must(err)
	s.stop()
	s.object.Spec.Identity.LDAP.URL = "ldaps://second.example.com"
	s.start()
	if got := s.provider("ldap"); got["url"] != "ldaps://first.example.com" {
		t.Errorf("a later configuration was read: %v", got)
	}
	if after, err := render.HashedConfig(s.object, nil); err != nil || string(after) != string(before) {
		t.Errorf("what is hashed has changed, for a restart that changes nothing: %v", err)
	}
	c := newCluster(s)
	if o := c.probe(); o.Providers["ldap"] != "" {
		t.Errorf("observed %q", o.Providers["ldap"])
	}
	if got := s.provider("ldap"); got["url"] != "ldaps://second.example.com" {
		t.Errorf("after a round of the probe: %v", got)
	}
}

// untilTold waits until the next start can be told from this one: dfs says when it started to the second.
func (s *server) untilTold() {
	s.t.Helper()
	s.must(wait.PollUntilContextTimeout(s.t.Context(), 50*time.Millisecond, bootTime, true, func(ctx context.Context) (bool, error) {
		health, err := s.client().Health(ctx)
		return health.UptimeSeconds >= 1, err
	}))
}

func kerberosSpec() *dittofsv1alpha1.KerberosSpec {
	return &dittofsv1alpha1.KerberosSpec{Enabled: true, ServicePrincipal: "nfs/files.example.com@EXAMPLE.COM",
		KeytabSecretRef:   &dittofsv1alpha1.SecretKeyReference{Name: "kerberos", Key: "keytab"},
		Krb5ConfSecretRef: &dittofsv1alpha1.SecretKeyReference{Name: "kerberos", Key: "krb5.conf"}}
}

func TestKerberosIsSeededAndThenFollowed(t *testing.T) {
	proves(t, "Kerberos as rendered starts with its keytab; a later principal goes by PUT and works from the next start on")
	s := newServer(t)
	s.object.Spec.Identity.Kerberos = kerberosSpec()
	s.start()
	got := s.provider("kerberos")
	if !got.Enabled() || got["service_principal"] != "nfs/files.example.com@EXAMPLE.COM" || got["realm"] != "EXAMPLE.COM" {
		t.Errorf("the seed: %v", got)
	}
	c := newCluster(s)
	if o := c.probe(); o.Providers["kerberos"] != "" {
		t.Errorf("what was seeded is what is wanted: %q", o.Providers["kerberos"])
	}
	c.edit(func(d *dittofsv1alpha1.DittoServer) {
		d.Spec.Identity.Kerberos.ServicePrincipal = "nfs/other.example.com@EXAMPLE.COM"
	})
	if o := c.probe(); !strings.Contains(o.Providers["kerberos"], "next start") {
		t.Errorf("after an edit: %q", o.Providers["kerberos"])
	}
	if got := s.provider("kerberos"); got["service_principal"] != "nfs/other.example.com@EXAMPLE.COM" {
		t.Errorf("dfs has %v", got)
	}
	s.untilTold()
	s.stop()
	s.start()
	c.replacePod("pod-uid-2")
	if o := c.probe(); o.Providers["kerberos"] != "" {
		t.Errorf("after a restart: %q", o.Providers["kerberos"])
	}
	// Switched off it starts without the keytab, and not before.
	c.edit(func(d *dittofsv1alpha1.DittoServer) { d.Spec.Identity.Kerberos.Enabled = false })
	if o := c.probe(); !strings.Contains(o.Providers["kerberos"], "next start") || s.provider("kerberos").Enabled() {
		t.Errorf("switched off: %q", o.Providers["kerberos"])
	}
	s.stop()
	s.object.Spec.Identity.Kerberos = nil
	s.start()
}

// Why Kerberos is not switched on under a pod without a keytab, and is switched off before the keytab goes.
func TestKerberosWithoutItsKeytabDoesNotStart(t *testing.T) {
	proves(t, "Kerberos enabled in the database without a keytab ends dfs at its start: why the probe holds it back")
	s := newServer(t)
	s.start()
	c := newCluster(s)
	c.edit(func(d *dittofsv1alpha1.DittoServer) { d.Spec.Identity.Kerberos = kerberosSpec() })
	if o := c.probe(); !strings.Contains(o.Providers["kerberos"], "once the pod has the keytab") {
		t.Errorf("under a pod without a keytab: %q", o.Providers["kerberos"])
	}
	s.object.Spec.Identity.Kerberos = nil
	err := s.client().PutIdentityProvider(t.Context(), dfs.ProviderKerberos, dfs.IdentityProvider{
		"enabled": true, "keytab_path": "/kerberos/dittofs.keytab", "service_principal": "nfs/files@EXAMPLE.COM"})
	s.must(err)
	if got := s.provider("kerberos"); got["realm"] != "" {
		t.Errorf("dfs derives the realm of what it is told after all: %v", got)
	}
	s.stop()
	if err := s.tryStart(); err == nil || !strings.Contains(err.Error(), "keytab") {
		t.Errorf("it started: %v", err)
	}
}
