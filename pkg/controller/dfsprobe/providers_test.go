// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
)

const (
	putLDAP     = "PUT /api/v1/identity-providers/ldap/config"
	putKerberos = "PUT /api/v1/identity-providers/kerberos/config"
	putNote     = "PUT /api/v1/settings/" + noteKey
)

func newLDAPFixture(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	f.secret("bind", map[string]string{"password": "first"})
	f.ldap(nil)
	return f
}

// ldap replaces the block of the spec.
func (f *fixture) ldap(change func(*dittofsv1alpha1.LDAPSpec)) {
	f.t.Helper()
	f.server(func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Identity.LDAP = &dittofsv1alpha1.LDAPSpec{Enabled: true, URL: "ldaps://dc.example.com", BaseDN: "dc=example", BindDN: "cn=dfs",
			BindPasswordSecretRef: &dittofsv1alpha1.SecretKeyReference{Name: "bind", Key: "password"}}
		if change != nil {
			change(s.Spec.Identity.LDAP)
		}
	})
}

func TestLDAPIsKeptAsTheSpecSays(t *testing.T) {
	f := newLDAPFixture(t)
	// What dfs stored at its first start, from its configuration file, with what somebody set up beside it.
	f.dfs.providers["ldap"] = map[string]any{"enabled": true, "url": "ldaps://old.example.com", "base_dn": "dc=example", "bind_dn": "cn=dfs",
		"bind_password": "first", "user_attr": "sAMAccountName", "idmap": "rfc2307", "timeout": "3s", "max_group_results": 7.0,
		"tls": map[string]any{"min_version": "1.3"}}
	o, _ := f.probe()
	if writes := f.dfs.writes(); !slices.Equal(writes, []string{putLDAP, putNote}) {
		t.Errorf("the writes were %v", writes)
	}
	got := f.dfs.providers["ldap"]
	if got["url"] != "ldaps://dc.example.com" || got["timeout"] != "3s" || got["max_group_results"] != 7.0 || got["bind_password"] != "first" ||
		got["tls"].(map[string]any)["min_version"] != "1.3" {
		t.Errorf("dfs has %v", got)
	}
	if diff := cmp.Diff(map[string]string{"ldap": ""}, o.Providers); diff != "" {
		t.Error(diff)
	}
	t.Run("with no secret in what is noted", func(t *testing.T) {
		if note := f.dfs.settings[noteKey]; note == "" || strings.Contains(note, "first") {
			t.Errorf("the note is %s", note)
		}
	})
	t.Run("with no write while nothing changes, by a new controller either, and no read of the password", func(t *testing.T) {
		reads := f.reads
		for range 25 {
			f.later()
		}
		f.restartController()
		f.later()
		if writes := f.dfs.writes(); len(writes) != 0 || f.reads != reads+2 {
			t.Errorf("the writes were %v, %d Secrets were read", writes, f.reads-reads)
		}
	})
	t.Run("with a password that changed, at once", func(t *testing.T) {
		f.secret("bind", map[string]string{"password": "second"})
		if f.probe(); f.dfs.providers["ldap"]["bind_password"] != "second" {
			t.Errorf("the calls were %v", f.dfs.take())
		}
		f.dfs.take()
	})
	t.Run("against the change of an administrator", func(t *testing.T) {
		f.dfs.set(func(d *fakeDFS) { d.providers["ldap"]["base_dn"] = "dc=elsewhere" })
		for range providersEvery {
			f.later()
		}
		if got := f.dfs.providers["ldap"]; got["base_dn"] != "dc=example" || got["bind_password"] != "second" {
			t.Errorf("dfs has %v", got)
		}
	})
}

func TestAProviderThatLeavesTheSpec(t *testing.T) {
	leave := func(f *fixture) {
		f.server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Identity.LDAP = nil })
	}
	t.Run("is switched off and forgotten", func(t *testing.T) {
		f := newLDAPFixture(t)
		f.probe()
		leave(f)
		o, _ := f.probe()
		if f.dfs.providers["ldap"]["enabled"] != false || f.dfs.providers["ldap"]["url"] == "" || len(o.Providers) != 0 || f.dfs.settings[noteKey] != "" {
			t.Errorf("observed %v, dfs has %v", o.Providers, f.dfs.providers)
		}
	})
	t.Run("is switched off by a controller that was not there", func(t *testing.T) {
		f := newLDAPFixture(t)
		f.probe()
		f.restartController()
		leave(f)
		if f.probe(); f.dfs.providers["ldap"]["enabled"] != false {
			t.Error("it is still on")
		}
	})
	t.Run("is switched off later, when dfs fails now", func(t *testing.T) {
		f := newLDAPFixture(t)
		f.probe()
		f.dfs.set(func(d *fakeDFS) { d.broken = "/api/v1/identity-providers" })
		leave(f)
		if o, _ := f.probe(); o.Providers["ldap"] == "" {
			t.Errorf("observed %v", o.Providers)
		}
		f.dfs.set(func(d *fakeDFS) { d.broken = "" })
		if o := f.later(); f.dfs.providers["ldap"]["enabled"] != false || len(o.Providers) != 0 {
			t.Errorf("observed %v", o.Providers)
		}
	})
	t.Run("is left alone if an administrator of the dfs API set it up", func(t *testing.T) {
		f := newFixture(t)
		f.dfs.providers["ldap"] = map[string]any{"enabled": true}
		for range 12 {
			f.later()
		}
		if f.dfs.providers["ldap"]["enabled"] != true || len(f.dfs.writes()) != 0 {
			t.Error("it was switched off")
		}
	})
	t.Run("is switched off by enabled: false, whoever set it up", func(t *testing.T) {
		f := newLDAPFixture(t)
		f.dfs.providers["ldap"] = map[string]any{"enabled": true}
		f.ldap(func(l *dittofsv1alpha1.LDAPSpec) { l.Enabled = false })
		if o, _ := f.probe(); f.dfs.providers["ldap"]["enabled"] != false || o.Providers["ldap"] != "" {
			t.Errorf("observed %v", o.Providers)
		}
	})
}

func TestAProblemWithAProvider(t *testing.T) {
	tests := []struct {
		name    string
		prepare func(f *fixture)
		want    string
		mend    func(f *fixture)
	}{
		{"its Secret is missing", func(f *fixture) {
			f.ldap(func(l *dittofsv1alpha1.LDAPSpec) { l.BindPasswordSecretRef.Name = "none" })
		}, "There is no Secret none.", func(f *fixture) { f.secret("none", map[string]string{"password": "x"}) }},
		{"its Secret has no such key", func(f *fixture) {
			f.ldap(func(l *dittofsv1alpha1.LDAPSpec) { l.BindPasswordSecretRef.Key = "pass" })
		}, "The Secret bind has no key pass.", func(f *fixture) { f.secret("bind", map[string]string{"pass": "x"}) }},
		{"dfs refuses it", func(f *fixture) { f.ldap(func(l *dittofsv1alpha1.LDAPSpec) { l.BindPasswordSecretRef = nil }) },
			"dfs refuses it: ldap.bind_password is required (an empty password performs an anonymous bind).", func(f *fixture) { f.ldap(nil) }},
		{"dfs fails", func(f *fixture) { f.dfs.broken = "/api/v1/identity-providers" }, "status 500",
			func(f *fixture) { f.dfs.set(func(d *fakeDFS) { d.broken = "" }) }},
		{"the API is down", func(f *fixture) { f.dfs.broken = "/api/v1/adapters" }, "It is not known to be as in the spec",
			func(f *fixture) { f.dfs.set(func(d *fakeDFS) { d.broken = "" }) }},
		{"its settings cannot be read", func(f *fixture) { f.dfs.broken = "/api/v1/settings/" + noteKey }, "settings cannot be read",
			func(f *fixture) { f.dfs.set(func(d *fakeDFS) { d.broken = "" }) }},
	}
	for _, tt := range tests {
		t.Run("is told: "+tt.name, func(t *testing.T) {
			f := newLDAPFixture(t)
			tt.prepare(f)
			for range 3 {
				if o := f.later(); !strings.Contains(o.Providers["ldap"], tt.want) {
					t.Fatalf("observed %q", o.Providers["ldap"])
				}
			}
			tt.mend(f)
			var o Observation
			for range 6 {
				o = f.later()
			}
			if o.Providers["ldap"] != "" || f.dfs.providers["ldap"]["enabled"] != true {
				t.Errorf("mended, observed %q", o.Providers["ldap"])
			}
		})
	}
	t.Run("costs a handful of tries", func(t *testing.T) {
		f := newLDAPFixture(t)
		f.ldap(func(l *dittofsv1alpha1.LDAPSpec) { l.BindPasswordSecretRef = nil })
		tries := 0
		for elapsed := time.Duration(0); elapsed < 10*time.Minute; {
			_, wait := f.probe()
			tries += len(f.dfs.writes())
			elapsed += wait
			f.clock.Step(wait)
		}
		if tries < 5 || tries > 9 {
			t.Errorf("%d tries in 10 minutes", tries)
		}
	})
}

func newKerberosFixture(t *testing.T, keytab bool) *fixture {
	t.Helper()
	f := newFixture(t)
	f.secret("machine", map[string]string{"password": "s3"})
	f.server(func(s *dittofsv1alpha1.DittoServer) {
		s.Spec.Identity.Kerberos = &dittofsv1alpha1.KerberosSpec{Enabled: true, ServicePrincipal: "nfs/files.example.com@EXAMPLE.COM", NetBIOSDomain: "EXAMPLE",
			MachineAccount: &dittofsv1alpha1.MachineAccountSpec{Enabled: true, AccountName: "FILES$", DCAddress: []string{"dc1"},
				SecretRef: &dittofsv1alpha1.SecretKeyReference{Name: "machine", Key: "password"}}}
	})
	if keytab {
		edit(f, &appsv1.StatefulSet{}, "files", func(s *appsv1.StatefulSet) { mountSecret(s, "keytab", "/kerberos", "keytab") })
	}
	return f
}

func TestKerberosIsSpelledOut(t *testing.T) {
	f := newKerberosFixture(t, true)
	o, _ := f.probe()
	want := map[string]any{
		"enabled": true, "keytab_path": "/kerberos/dittofs.keytab", "service_principal": "nfs/files.example.com@EXAMPLE.COM",
		"realm": "EXAMPLE.COM", "dns_domain": "example.com", "netbios_domain": "EXAMPLE", "krb5_conf": "",
		"machine_account": map[string]any{"enabled": true, "account_name": "FILES$", "dc_address": []any{"dc1"}, "secret": "s3"},
	}
	if diff := cmp.Diff(want, f.dfs.providers["kerberos"]); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(o.Providers["kerberos"], "kubectl rollout restart statefulset files") {
		t.Errorf("observed %q", o.Providers["kerberos"])
	}
	t.Run("and waits for the next start, whoever asks", func(t *testing.T) {
		f.restartController()
		if o, _ := f.probe(); !strings.Contains(o.Providers["kerberos"], "next start") {
			t.Errorf("observed %q", o.Providers["kerberos"])
		}
		f.dfs.set(func(d *fakeDFS) { d.started = d.started.Add(time.Minute) })
		f.dfs.take()
		if o := f.later(); o.Providers["kerberos"] != "" || len(f.dfs.writes()) != 0 {
			t.Errorf("observed %q", o.Providers["kerberos"])
		}
	})
	t.Run("and follows its machine account without a restart", func(t *testing.T) {
		f.secret("machine", map[string]string{"password": "s4"})
		if o, _ := f.probe(); o.Providers["kerberos"] != "" || !slices.Equal(f.dfs.writes(), []string{putKerberos, putNote}) {
			t.Errorf("observed %q", o.Providers["kerberos"])
		}
	})
	t.Run("and is switched off with its block, until the next start", func(t *testing.T) {
		f.server(func(s *dittofsv1alpha1.DittoServer) { s.Spec.Identity.Kerberos = nil })
		o, _ := f.probe()
		if f.dfs.providers["kerberos"]["enabled"] != false || !strings.Contains(o.Providers["kerberos"], "next start") {
			t.Errorf("observed %v, dfs has %v", o.Providers, f.dfs.providers)
		}
		f.dfs.set(func(d *fakeDFS) { d.started = d.started.Add(time.Minute) })
		if o = f.later(); len(o.Providers) != 0 || f.dfs.settings[noteKey] != "" {
			t.Errorf("observed %v, noted %q", o.Providers, f.dfs.settings[noteKey])
		}
	})
}

func TestKerberosIsNotSwitchedOnUnderAPodWithoutAKeytab(t *testing.T) {
	f := newKerberosFixture(t, false)
	o, _ := f.probe()
	if len(f.dfs.writes()) != 0 || !strings.Contains(o.Providers["kerberos"], "once the pod has the keytab") {
		t.Fatalf("observed %q", o.Providers["kerberos"])
	}
	t.Run("nor under one that is about to be replaced by one with it", func(t *testing.T) {
		edit(f, &appsv1.StatefulSet{}, "files", func(s *appsv1.StatefulSet) {
			mountSecret(s, "keytab", "/kerberos", "keytab")
			s.Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash] = "2"
		})
		if f.later(); len(f.dfs.writes()) != 0 {
			t.Error("it was switched on")
		}
	})
	t.Run("but once it has started from its configuration file, nothing is left to do", func(t *testing.T) {
		edit(f, &appsv1.StatefulSet{}, "files", func(s *appsv1.StatefulSet) { s.Spec.Template.Annotations[dittofsv1alpha1.AnnotationConfigHash] = "1" })
		f.dfs.set(func(d *fakeDFS) {
			d.started = d.started.Add(time.Minute)
			d.providers["kerberos"] = map[string]any{
				"enabled": true, "keytab_path": "/kerberos/dittofs.keytab", "service_principal": "nfs/files.example.com@EXAMPLE.COM",
				"realm": "EXAMPLE.COM", "dns_domain": "example.com", "netbios_domain": "EXAMPLE", "max_clock_skew": "5m0s",
				"machine_account": map[string]any{"enabled": true, "account_name": "FILES$", "dc_address": []any{"dc1"}, "secret": "s3"},
			}
		})
		if o := f.later(); o.Providers["kerberos"] != "" {
			t.Errorf("observed %q", o.Providers["kerberos"])
		}
	})
}
