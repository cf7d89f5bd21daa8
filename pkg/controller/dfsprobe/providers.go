// SPDX-FileCopyrightText: The dittofs-apiserver authors
// SPDX-License-Identifier: Apache-2.0

package dfsprobe

import (
	"strings"

	dittofsv1alpha1 "github.com/dittofs/dittofs-apiserver/apis/dittofs/v1alpha1"
	"github.com/dittofs/dittofs-apiserver/pkg/dfs"
)

// provider is what the spec says about one identity provider, in the words of dfs. Fields that the spec does not have, such
// as timeouts, are not named and stay as the server has them.
type provider struct {
	name string
	// inSpec says that there is a block, enabled that it asks for the provider.
	inSpec, enabled bool
	// fields are set as they are here; a nil one is taken away.
	fields map[string]any
	// secret is what goes into the field at secretPath, which the server never shows. Nil: none.
	secret     *dittofsv1alpha1.SecretKeyReference
	secretPath []string
	// atStart are the fields that a running process does not follow.
	atStart []string
}

func providersOf(server *dittofsv1alpha1.DittoServer) []provider {
	return []provider{ldapOf(server.Spec.Identity.LDAP), kerberosOf(server.Spec.Identity.Kerberos)}
}

func ldapOf(spec *dittofsv1alpha1.LDAPSpec) provider {
	p := provider{name: dfs.ProviderLDAP, secretPath: []string{"bind_password"}}
	if spec == nil {
		return p
	}
	p.inSpec, p.enabled = true, spec.Enabled
	p.fields = map[string]any{
		"enabled":         spec.Enabled,
		"url":             spec.URL,
		"start_tls":       spec.StartTLS,
		"allow_plaintext": spec.AllowPlaintext,
		"base_dn":         spec.BaseDN,
		"bind_dn":         spec.BindDN,
		"user_attr":       orDefault(spec.UserAttr, "sAMAccountName"),
		"realm":           spec.Realm,
		"idmap":           orDefault(string(spec.Idmap), string(dittofsv1alpha1.IDMapRFC2307)),
		"nested_groups":   spec.NestedGroups,
		"tls": map[string]any{
			"ca_cert_file":         spec.CACertFile,
			"insecure_skip_verify": spec.InsecureSkipVerify,
		},
	}
	p.secret = spec.BindPasswordSecretRef
	return p
}

// kerberosOf spells out what dfs derives from its configuration file and not from what it is told later: without a realm a
// machine account is silently not used.
func kerberosOf(spec *dittofsv1alpha1.KerberosSpec) provider {
	p := provider{
		name: dfs.ProviderKerberos, secretPath: []string{"machine_account", "secret"},
		atStart: []string{"enabled", "keytab_path", "service_principal", "realm", "netbios_domain", "dns_domain", "krb5_conf"},
	}
	if spec == nil {
		return p
	}
	realm := spec.Realm
	if realm == "" {
		if i := strings.LastIndex(spec.ServicePrincipal, "@"); i >= 0 {
			realm = spec.ServicePrincipal[i+1:]
		}
	}
	p.inSpec, p.enabled = true, spec.Enabled
	p.fields = map[string]any{
		"enabled":           spec.Enabled,
		"service_principal": spec.ServicePrincipal,
		"realm":             realm,
		"netbios_domain":    spec.NetBIOSDomain,
		"dns_domain":        orDefault(spec.DNSDomain, strings.ToLower(realm)),
		"keytab_path":       keytabFile,
		"krb5_conf":         spec.Krb5Conf,
		"machine_account":   map[string]any{"enabled": false},
	}
	if spec.Krb5ConfSecretRef != nil {
		p.fields["krb5_conf"] = krb5ConfFile
	}
	if account := spec.MachineAccount; account != nil && account.Enabled {
		fields := map[string]any{"enabled": true, "account_name": account.AccountName, "keytab_path": nil, "dc_address": nil}
		if account.KeytabSecretRef != nil {
			fields["keytab_path"] = machineKeytab
		}
		if len(account.DCAddress) > 0 {
			addresses := make([]any, 0, len(account.DCAddress))
			for _, a := range account.DCAddress {
				addresses = append(addresses, a)
			}
			fields["dc_address"] = addresses
		}
		p.fields["machine_account"] = fields
		p.secret = account.SecretRef
	}
	return p
}

func orDefault(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
